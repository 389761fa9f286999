import GRDB
import StintCore

/// One caller's part of a write transaction, which others may share. It may be performed again: when a neighbour fails
/// half-way, the transaction is rolled back and done once more without that one.
protocol WriteRequest: Sendable {
    /// About how many jobs it touches.
    var weight: Int { get }
    var diskFull: DiskFullPolicy { get }
    var since: ContinuousClock.Instant { get }

    /// Does the caller's changes within a transaction of the connection.
    ///
    /// - Returns: Whether jobs may have become ready.
    func perform(_ database: Database) throws -> Bool

    /// Whether what was performed must be durable before it is answered.
    var needsSync: Bool { get }

    /// Reads what the answer needs. The transaction is committed, and the write lock is free.
    func prepareAnswer(_ database: Database)

    /// Answers the caller. The transaction is durable.
    func answer()

    /// Tells the caller why not.
    func refuse(_ error: any Error)
}
