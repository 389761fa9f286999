/// A job that a worker has started.
public struct StartedJob: Sendable, Hashable {
    public let lease: Lease
    /// How long it had run when the store was read, by the store's own time; `nil` if that cannot be known, as when the
    /// machine has rebooted since.
    public let runTime: Duration?
    /// The worker's limit of attempts, if it is lower than the job's own.
    public let maxAttempts: Int?

    public init(lease: Lease, runTime: Duration?, maxAttempts: Int? = nil) {
        self.lease = lease
        self.runTime = runTime
        self.maxAttempts = maxAttempts
    }
}
