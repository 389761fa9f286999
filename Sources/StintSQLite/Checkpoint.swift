import Dispatch
import GRDB
import GRDBSQLite
import Logging
import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Moves the log's pages into the database file, in the one way that no released SQLite gets wrong.
///
/// From 3.7.0 to 3.51.2 (but 3.44.6 and 3.50.7) a checkpoint that races a commit can lose that commit: the WAL-reset
/// bug, https://sqlite.org/wal.html, section 11. So no commit may happen meanwhile: one connection takes the write
/// lock, another one checkpoints, the first one rolls back.
///
/// Every process sees how long the log is when it commits. Of those that find it too long, one is elected, by a lock on
/// the file `stint.db-checkpoint`, and does the work on a thread of its own, so that no caller waits for it but for the
/// lock. It waits at the ``WriteGate`` like everybody, and so has its turn under any load.
final class Checkpoint: Sendable {
    /// SQLite's own default for automatic checkpoints: 1,000 pages, 4 MB.
    static let pages: Int32 = 1_000
    /// The log's size in bytes that calls for a checkpoint even where this process did not write; see `journal_size_limit`
    /// in ``SQLiteStore/applySettings(_:durability:)``.
    static let longLog = 16_777_216
    /// A log of so many bytes is worth a warning: somebody reads for so long that it cannot be taken over.
    static let warningSize = 4 * longLog
    private static let patience: Duration = .seconds(2)

    /// Whether the SQLite of this process has the WAL-reset bug.
    static var libraryHasResetBug: Bool {
        let number = sqlite3_libversion_number()
        return (3_007_000...3_051_002).contains(number) && ![3_050_007, 3_044_006].contains(number)
    }

    private let file: DatabaseFile
    private let lock: Connection
    private let mover: Connection
    private let gate: WriteGate?
    private let reserve: Reserve?
    private let repair: LogRepair
    /// -1: the file cannot be made, and everybody is elected.
    private let election: Int32
    private let logger: Logger
    private let thread: Lane
    private let progress = Mutex(Progress())

    private struct Progress {
        /// The log's length after the last commit of this process, in pages.
        var length: Int32 = 0
        /// A reader that stays open keeps the log from being taken over whole; then the next try waits for this much.
        var nextTry = Checkpoint.pages
        /// A round is on its way.
        var isDue = false
        var warnedSize = Checkpoint.warningSize / 2
        var hasRestarted = false

        mutating func committed(_ pages: Int32) {
            if pages < length {
                nextTry = Checkpoint.pages
                hasRestarted = true
            }
            length = pages
        }
    }

    /// - Parameters:
    ///   - lock: A connection that is used for nothing else, and another one.
    ///   - gate: Its own, not the writer's.
    init(
        _ file: DatabaseFile, lock: Connection, mover: Connection, gate: WriteGate?, reserve: Reserve?,
        repair: LogRepair, logger: Logger, lanes: Lane.Maker = Lane.threads
    ) {
        self.file = file
        thread = lanes("stint.checkpoint.run", .utility)
        self.lock = lock
        self.mover = mover
        self.gate = gate
        self.reserve = reserve
        self.repair = repair
        self.logger = logger
        do {
            election = try LockFile.descriptor(Self.electionFile(of: file), like: file.target)
        } catch {
            logger.warning("checkpoints are not shared out between processes", metadata: ["error": "\(error)"])
            election = -1
        }
    }

    deinit {
        if election >= 0 { close(election) }
    }

    /// Its connections, as long as this process lives.
    func keepOpen() {
        lock.keepOpen()
        mover.keepOpen()
    }

    /// Its time of modification is that of the last checkpoint.
    static func electionFile(of file: DatabaseFile) -> String { file.target + "-checkpoint" }

    /// Makes SQLite tell how long the log is after each commit of the writer.
    func observe(_ writer: Database) {
        // The writer owns both this object, in what it does after a commit, and the connection.
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

    /// Whether a commit of this process has found the log shorter than before since this was last asked.
    func logHasRestarted() -> Bool {
        progress.withLock { progress in
            defer { progress.hasRestarted = false }
            return progress.hasRestarted
        }
    }

    /// Called after a commit of the writer: sees to it that the log is taken over, soon, when it is long enough.
    ///
    /// - Parameter isDiskFull: Whether to do so earlier, since the log cannot grow; when it starts again, it need not.
    func startIfNeeded(isDiskFull: Bool = false) {
        let starts = progress.withLock { progress in
            let length = isDiskFull ? Self.pages / 4 : progress.nextTry
            guard progress.length >= length, !progress.isDue else { return false }
            progress.isDue = true
            return true
        }
        if starts { thread.async { self.runIfElected() } }
    }

    /// Checkpoints now, as far as it goes.
    func run() async {
        await withCheckedContinuation { continuation in
            thread.async {
                self.progress.withLock { $0.isDue = true }
                self.runIfElected()
                continuation.resume()
            }
        }
    }

    /// Takes over at once, on this thread, what is in a log that somebody has deleted. Others may do the same.
    func saveDeletedLog() {
        progress.withLock { $0.isDue = true }
        runIfDue()
    }

    private func runIfElected() {
        guard election < 0 || LockFile.lockIfFree(election) else {
            // Another process is at it. Should it not get to its end, this one looks again a little later.
            return progress.withLock { progress in
                progress.isDue = false
                progress.nextTry = progress.length + Self.pages / 4
            }
        }
        defer { if election >= 0 { LockFile.unlock(election) } }
        guard let gate else { return runIfDue() }
        // Past a gate that does not open, since the process inside is stopped: SQLite's own lock is what counts.
        if !gate.enterIfOpen() { gate.enter(patience: Self.patience) { self.runIfDue() } }
        runIfDue()
        gate.leave()
    }

    private func runIfDue() {
        let length = progress.withLock { progress -> Int32? in
            defer { progress.isDue = false }
            return progress.isDue ? progress.length : nil
        }
        guard let length else { return }
        do {
            let rest = try lock.runBlocking { lock -> Int32 in
                try lock.execute(sql: "BEGIN IMMEDIATE")
                defer { rollBack(lock) }
                try repair.rewriteIfInDoubt(lock)
                guard try hasRoom(lock) else { throw StintError(.storageFailed, "the disk is full") }
                return try mover.runBlocking(moveLog)
            }
            progress.withLock { $0.nextTry = rest > 0 ? length + Self.pages : Self.pages }
            if election >= 0 { futimens(election, nil) }
            if rest > 0 { warnOfReaders() }
        } catch let error as StintError where error.code == .databaseBusy {
            // Somebody writes who knows no gate. The next commit tries again.
        } catch {
            progress.withLock { $0.nextTry = length + Self.pages / (reserve?.isDiskFull == true ? 4 : 1) }
            logger.warning("the log could not be checkpointed; it grows until it can", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: How many pages of the log could not be taken over because somebody still reads them.
    private func moveLog(_ mover: Database) throws -> Int32 {
        var (log, moved): (Int32, Int32) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(mover.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &log, &moved)
        guard code == SQLITE_OK || code == SQLITE_BUSY else {
            if ResultCode(rawValue: code) == .SQLITE_IOERR_FSYNC { repair.doubt() }
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code),
                message: String(cString: sqlite3_errmsg(mover.sqliteConnection)))
        }
        return log - moved
    }

    /// Whether the database can grow by what is new in the log. One that cannot takes what is left of the disk and is of no
    /// use, so on a full disk it is not tried; unless half of the reserve is enough, at most, which is given up then: after
    /// that the log starts again, and needs no more room.
    private func hasRoom(_ lock: Database) throws -> Bool {
        guard let reserve, reserve.isDiskFull else { return true }
        let size = try Int.fetchOne(lock, sql: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        let growth = (size ?? 0) - file.size
        let missing = growth > 0 ? growth + Reserve.smallestStep - reserve.free : 0
        return missing <= 0 || missing <= reserve.left - reserve.size / 2 && reserve.giveUp(missing)
    }

    private func rollBack(_ lock: Database) {
        do {
            try lock.rollback()
        } catch {
            // SQLite has rolled back by itself, or the connection is broken and the next statement says so.
            logger.debug("after a checkpoint: \(error)")
        }
    }

    /// Once for each doubling of the log.
    private func warnOfReaders() {
        let size = file.logSize
        let isNews = progress.withLock { progress in
            guard size >= 2 * progress.warnedSize else { return false }
            progress.warnedSize = size
            return true
        }
        guard isNews else { return }
        let readers = LockHolders(of: file.target).readers
        logger.warning(
            "the log cannot be taken over and grows, since somebody reads in one long transaction: end it",
            metadata: [
                "log": "\(size / 1_048_576) MiB",
                "readers": "\(readers.isEmpty ? "this process, or not known here" : readers.joined(separator: ", "))",
            ])
    }
}
