/// A job that a worker has started.
public struct StartedJob: Sendable, Hashable {
    public let lease: Lease
    /// By the monotonic clock of its boot, in milliseconds.
    public let startedAt: Int64
    /// How many attempts its worker grants it, where that is fewer than its own.
    public let maxAttempts: Int?

    public init(lease: Lease, startedAt: Int64, maxAttempts: Int? = nil) {
        self.lease = lease
        self.startedAt = startedAt
        self.maxAttempts = maxAttempts
    }
}
