/// Which jobs of a queue a person means: those that meet all of the conditions.
public struct JobSelection: Sendable {
    public var queue: QueueName
    /// In one of these states.
    public var states: Set<JobState>
    /// The reason they were buried for, or the error of their last attempt that did not end well, contains this text,
    /// byte for byte.
    public var error: String?
    /// Enqueued before this time, in milliseconds since 1970 UTC.
    public var enqueuedBefore: Timestamp?
    /// Buried at this time or later; jobs that are not buried are not selected then.
    public var buriedSince: Timestamp?

    /// - Parameter states: All, unless you say otherwise.
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
