import StintCore

/// A job that was leased in this transaction. Its payload is read when the transaction is durable, without the write
/// lock; see SQLiteStore+PayloadLoader.swift.
struct ClaimedJob: Sendable {
    let lease: Lease
    let queue: QueueName
    let priority: UInt32
    let attempt: Int
    let runsAlone: Bool
}
