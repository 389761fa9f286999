/// A job that a worker holds, as the store has it.
public struct HeldJob: Sendable, Hashable {
    public let lease: Lease
    public let queue: QueueName
    /// Its queue is paused: what has not started shall not.
    public let isPaused: Bool

    public init(lease: Lease, queue: QueueName, isPaused: Bool) {
        self.lease = lease
        self.queue = queue
        self.isPaused = isPaused
    }
}
