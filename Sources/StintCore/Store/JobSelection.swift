#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The jobs that meet all of these conditions, to be changed. Of a job that is enqueued while they are changed, see
/// `SelectionCursor`.
public struct JobSelection: Sendable, Hashable {
    public var query: JobQuery
    /// The job is in one of these states, too.
    public var states: Set<JobState>
    /// The job was enqueued before this time.
    public var enqueuedBefore: Date?
    /// The job was buried at this time or later. If this is set, only buried jobs are selected.
    public var buriedSince: Date?

    /// The most jobs that an operation changes, in the order in which it comes to them; `nil`: all of them.
    public var limit: Int?

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

/// As stores keep it: the query as its text.
extension JobSelection: Codable {
    private enum Keys: String, CodingKey { case query, states, enqueuedBefore, buriedSince, limit }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        self.init(try JobQuery(container.decode(String.self, forKey: .query)))
        states = try container.decode(Set<JobState>.self, forKey: .states)
        enqueuedBefore = try container.decodeIfPresent(Date.self, forKey: .enqueuedBefore)
        buriedSince = try container.decodeIfPresent(Date.self, forKey: .buriedSince)
        limit = try container.decodeIfPresent(Int.self, forKey: .limit)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(query.description, forKey: .query)
        try container.encode(JobState.allCases.filter(states.contains), forKey: .states)
        try container.encodeIfPresent(enqueuedBefore, forKey: .enqueuedBefore)
        try container.encodeIfPresent(buriedSince, forKey: .buriedSince)
        try container.encodeIfPresent(limit, forKey: .limit)
    }
}
