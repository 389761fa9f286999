import GRDB
import GRDBSQLite
import Logging
import Synchronization

/// Moves the log's pages into the database file, in the one way that no released SQLite gets wrong.
///
/// From 3.7.0 to 3.51.2 (but 3.44.6 and 3.50.7) a checkpoint that races a commit can lose that commit: the WAL-reset
/// bug, https://sqlite.org/wal.html, section 11. So no commit may happen meanwhile: a second connection takes the write
/// lock, the writer's connection, which is between two transactions, checkpoints, the second one rolls back. Where the
/// lock is busy the round is skipped; the next commit tries again.
final class Checkpoint: Sendable {
    /// SQLite's own default for automatic checkpoints: 1,000 pages, 4 MB.
    static let pages: Int32 = 1_000

    /// The log's size in bytes that calls for a checkpoint even where this process did not write; see `journal_size_limit`
    /// in ``SQLiteStore/applySettings(_:durability:)``.
    static let longLog = 16_777_216

    private let lock: DatabaseQueue
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

    /// - Parameter lock: A connection that waits for no lock and is used for nothing else.
    init(lock: DatabaseQueue, logger: Logger) {
        self.lock = lock
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
        if before.length >= before.nextTry { run(writer, length: before.length) }
    }

    /// Checkpoints now, as far as it goes.
    func run(_ writer: Database) {
        run(writer, length: progress.withLock { $0.length })
    }

    private func run(_ writer: Database, length: Int32) {
        do {
            let rest = try lock.writeWithoutTransaction { lock -> Int32 in
                try lock.execute(sql: "BEGIN IMMEDIATE")
                defer { rollBack(lock) }
                return try moveLog(writer)
            }
            progress.withLock { $0.nextTry = rest > 0 ? length + Self.pages : Self.pages }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            // Somebody writes. The next commit tries again.
        } catch {
            progress.withLock { $0.nextTry = length + Self.pages }
            logger.warning("the log could not be checkpointed; it grows until it can", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: How many pages of the log could not be taken over because somebody still reads them.
    private func moveLog(_ writer: Database) throws -> Int32 {
        var (log, moved): (Int32, Int32) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(writer.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &log, &moved)
        guard code == SQLITE_OK || code == SQLITE_BUSY else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code),
                message: String(cString: sqlite3_errmsg(writer.sqliteConnection)))
        }
        return log - moved
    }

    private func rollBack(_ lock: Database) {
        do {
            try lock.rollback()
        } catch {
            // SQLite has rolled back by itself, or the connection is broken and the next statement says so.
            logger.debug("after a checkpoint: \(error)")
        }
    }
}
