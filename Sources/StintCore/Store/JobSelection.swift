#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The jobs that meet all of these conditions, to be changed. Of a job that is enqueued while they are changed, see
/// ``SelectionCursor``.
public struct JobSelection: Sendable {
    public var query: JobQuery
    /// The job is in one of these states, too.
    public var states: Set<JobState>
    /// The job was enqueued before this time.
    public var enqueuedBefore: Date?
    /// The job was buried at this time or later. If this is set, only buried jobs are selected.
    public var buriedSince: Date?

    /// The jobs that match a query. Its ages count from the beginning of each walk.
    public init(_ query: JobQuery) {
        self.query = query
        states = Set(JobState.allCases)
    }

    /// The jobs of a queue.
    ///
    /// - Parameters:
    ///   - states: All states by default.
    ///   - error: The reason of the burial, or the error of the last attempt that did not succeed, contains this text;
    ///     upper and lower case of ASCII letters are the same.
    public init(
        _ queue: QueueName, states: Set<JobState> = Set(JobState.allCases), error: String? = nil,
        enqueuedBefore: Date? = nil, buriedSince: Date? = nil
    ) {
        query = JobQuery(
            terms: [.queue(queue), error.map { .error(QueryText($0)) }].compactMap(\.self).map { JobQuery.Term($0) })
        self.states = states
        self.enqueuedBefore = enqueuedBefore
        self.buriedSince = buriedSince
    }

    /// The states in which jobs may be selected, in the order of `JobState.allCases`.
    public var possibleStates: [JobState] {
        query.states.filter { states.contains($0) && (buriedSince == nil || $0 == .buried) }
    }
}
