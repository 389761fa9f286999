/// A job that was claimed and whose payload is not read yet: that happens after the commit, without the write lock, and
/// perhaps in another process; see ``PayloadLoadingStore``.
package struct ClaimedJob: Sendable, Hashable {
    package let lease: Lease
    package let queue: QueueName
    package let priority: UInt32
    package let attempt: Int
    package let runsAlone: Bool
    /// By the wall clock, in milliseconds; `nil`: never.
    package let expiresAt: Timestamp?
    /// How long after its claim that is.
    package let expiresIn: Duration?

    package init(
        lease: Lease, queue: QueueName, priority: UInt32, attempt: Int, runsAlone: Bool, expiresAt: Timestamp?,
        expiresIn: Duration?
    ) {
        self.lease = lease
        self.queue = queue
        self.priority = priority
        self.attempt = attempt
        self.runsAlone = runsAlone
        self.expiresAt = expiresAt
        self.expiresIn = expiresIn
    }
}
