import GRDB
import GRDBSQLite
import Logging
import Synchronization

/// Moves the log's pages into the database file, in the one way that no released SQLite gets wrong.
///
/// From 3.7.0 to 3.51.2 (but 3.44.6 and 3.50.7) a checkpoint that races a commit can lose that commit: the WAL-reset
/// bug, https://sqlite.org/wal.html, section 11. So no commit may happen meanwhile: the writer connection takes the
/// write lock, a second connection checkpoints, the writer rolls back. Where the lock is busy the round is skipped;
/// the next commit tries again.
final class Checkpoint: Sendable {
    /// SQLite's own default for automatic checkpoints: 1,000 pages, 4 MB.
    static let pages: Int32 = 1_000

    private let connection: DatabaseQueue
    private let logger: Logger
    private let progress = Mutex(Progress())

    private struct Progress {
        /// The log's length after the last commit of this process, in pages.
        var length: Int32 = 0
        /// A reader that stays open keeps the log from being taken over whole; then the next try waits for this much.
        var nextTry = Checkpoint.pages

        mutating func committed(_ pages: Int32) {
            if pages < length { nextTry = Checkpoint.pages }  // the log has started again
            length = pages
        }
    }

    /// - Parameter connection: Used for nothing else while a checkpoint may run.
    init(_ connection: DatabaseQueue, logger: Logger) {
        self.connection = connection
        self.logger = logger
    }

    /// Makes SQLite tell how long the log is after each commit of the writer.
    func observe(_ writer: Database) {
        // The store owns both this object and the connection, and they end together.
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            writer.sqliteConnection,
            { context, _, _, pages in
                Unmanaged<Checkpoint>.fromOpaque(context!).takeUnretainedValue().progress.withLock {
                    $0.committed(pages)
                }
                return SQLITE_OK
            }, context)
    }

    /// Checkpoints when the log is long enough. Called on the writer's thread between two transactions. The caller's
    /// transaction is durable already, so a failure here is logged and not thrown: the log is longer, nothing is lost.
    func runIfNeeded(_ writer: Database) {
        let before = progress.withLock { $0 }
        guard before.length >= before.nextTry else { return }
        do {
            let rest = try run(writer)
            progress.withLock { $0.nextTry = rest > 0 ? before.length + Self.pages : Self.pages }
        } catch {
            progress.withLock { $0.nextTry = before.length + Self.pages }
            logger.warning("the log could not be checkpointed; it grows until it can", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: How many pages of the log could not be taken over because somebody still reads them.
    private func run(_ writer: Database) throws -> Int32 {
        try writer.execute(sql: "BEGIN IMMEDIATE")
        defer { rollBack(writer) }
        return try connection.writeWithoutTransaction { database in
            var (log, moved): (Int32, Int32) = (0, 0)
            let code = sqlite3_wal_checkpoint_v2(
                database.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &log, &moved)
            guard code == SQLITE_OK || code == SQLITE_BUSY else {
                throw DatabaseError(
                    resultCode: ResultCode(rawValue: code),
                    message: String(cString: sqlite3_errmsg(database.sqliteConnection)))
            }
            return log - moved
        }
    }

    private func rollBack(_ writer: Database) {
        do {
            try writer.rollback()
        } catch {
            // SQLite has rolled back by itself, or the connection is broken and the next statement says so.
            logger.debug("after a checkpoint: \(error)")
        }
    }
}
