import StintCore

/// A job that was leased in this transaction. Its payload is read after the commit, without the write lock; see
/// ``PayloadLoader``.
struct ClaimedJob: Sendable {
    let lease: Lease
    let queue: QueueName
    let priority: UInt32
    let attempt: Int
    let runsAlone: Bool
    /// By the wall clock, in milliseconds; `nil`: never.
    let expiresAt: Timestamp?
    /// How long after its claim that is.
    let expiresIn: Duration?
}
