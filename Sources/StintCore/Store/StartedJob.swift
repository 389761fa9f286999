/// A job that a worker has started.
public struct StartedJob: Sendable, Hashable {
    public let lease: Lease
    /// The time by the monotonic clock of its boot, in milliseconds.
    public let startedAt: Int64
    /// The worker's limit of attempts, if it is lower than the job's own.
    public let maxAttempts: Int?

    public init(lease: Lease, startedAt: Int64, maxAttempts: Int? = nil) {
        self.lease = lease
        self.startedAt = startedAt
        self.maxAttempts = maxAttempts
    }
}
