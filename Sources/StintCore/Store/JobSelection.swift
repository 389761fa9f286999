#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The jobs of a queue that meet all of these conditions.
public struct JobSelection: Sendable, Hashable, Codable {
    public var queue: QueueName
    /// The job is in one of these states.
    public var states: Set<JobState>
    /// The reason of the burial, or the error of the last attempt that did not succeed, contains this text, byte for
    /// byte.
    public var error: String?
    /// The job was enqueued before this time.
    public var enqueuedBefore: Date?
    /// The job was buried at this time or later. If this is set, only buried jobs are selected.
    public var buriedSince: Date?

    /// - Parameter states: All states by default.
    public init(
        _ queue: QueueName, states: Set<JobState> = Set(JobState.allCases), error: String? = nil,
        enqueuedBefore: Date? = nil, buriedSince: Date? = nil
    ) {
        self.queue = queue
        self.states = states
        self.error = error
        self.enqueuedBefore = enqueuedBefore
        self.buriedSince = buriedSince
    }
}
