import GRDB
import StintCore

/// One caller's part of a write transaction, which may include the parts of other callers. It may be performed again:
/// if another part fails half-way, the transaction is rolled back and performed once more without that part.
protocol WriteRequest: Sendable {
    /// The approximate number of jobs that it touches.
    var weight: Int { get }
    var diskFull: DiskFullPolicy { get }
    var since: ContinuousClock.Instant { get }

    /// Makes the caller's changes within a transaction of the connection.
    ///
    /// - Parameter counts: Gets the changes of the counts; it stays as it was if this throws.
    /// - Returns: Whether jobs may have become ready.
    func perform(_ database: Database, _ counts: QueueCounts) throws -> Bool

    /// Whether the transaction has changes of this request.
    var hasChanges: Bool { get }

    /// Whether the log must be synced before the caller is answered.
    var needsSync: Bool { get }

    /// Reads what the answer needs. It is called after the commit, when the write lock is free.
    func prepareAnswer(_ database: Database)

    /// Answers the caller. It is called after the commit, and if it ``needsSync``, when the transaction is on disk.
    func answer()

    /// Fails the caller's call with the error.
    func refuse(_ error: any Error)
}
