/// A job that a worker holds, according to the store.
public struct HeldJob: Sendable, Hashable {
    public let lease: Lease
    public let queue: QueueName
    /// Whether its queue is paused; then it must not start.
    public let isPaused: Bool

    public init(lease: Lease, queue: QueueName, isPaused: Bool) {
        self.lease = lease
        self.queue = queue
        self.isPaused = isPaused
    }
}
