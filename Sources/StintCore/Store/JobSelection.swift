/// The jobs of a queue that meet all of these conditions.
public struct JobSelection: Sendable {
    public var queue: QueueName
    /// The job is in one of these states.
    public var states: Set<JobState>
    /// The reason of the burial, or the error of the last attempt that did not succeed, contains this text, byte for
    /// byte.
    public var error: String?
    /// The job was enqueued before this time, in milliseconds since 1970 UTC.
    public var enqueuedBefore: Timestamp?
    /// The job was buried at this time or later. If this is set, only buried jobs are selected.
    public var buriedSince: Timestamp?

    /// - Parameter states: All states by default.
    public init(
        _ queue: QueueName, states: Set<JobState> = Set(JobState.allCases), error: String? = nil,
        enqueuedBefore: Timestamp? = nil, buriedSince: Timestamp? = nil
    ) {
        self.queue = queue
        self.states = states
        self.error = error
        self.enqueuedBefore = enqueuedBefore
        self.buriedSince = buriedSince
    }
}
