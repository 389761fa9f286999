import Dispatch
import GRDB
import GRDBSQLite
import Logging
import StintCore
import StintPlatform
import Synchronization

/// Moves the log's pages into the database file, in the one way that no released SQLite gets wrong.
///
/// From 3.7.0 to 3.51.2 (but 3.44.6 and 3.50.7) a checkpoint that races a commit can lose that commit: the WAL-reset
/// bug, https://sqlite.org/wal.html, section 11. So no commit may happen meanwhile: one connection takes the write
/// lock, another one checkpoints, and the first one rolls back.
///
/// Every process sees how long the log is when it commits. If it is too long, a lock (``DatabaseLocks``) elects one of
/// the processes that see it. That one does the work on a thread of its own, so that callers wait only for the lock. It
/// waits at the ``WriteGate`` like any other process, and so gets its turn under any load.
///
/// Election and gate are courtesies. A process that is stopped may hold either for ever, so after a while the others go
/// on without them. SQLite's own write lock protects the data, and the process that checkpoints holds it.
final class Checkpointer: Sendable {
    /// SQLite's own default for automatic checkpoints: 1,000 pages, 4 MB.
    static let pages: Int32 = 1_000
    /// From this size in bytes on, the log is checkpointed even if this process did not write; see `journal_size_limit`
    /// in ``SQLiteStore/applySettings(_:durability:)``.
    static let longLog = 16_777_216
    /// From this size in bytes on, the log is worth a warning: a reader stays for so long that the log cannot be
    /// checkpointed.
    static let warningSize = 4 * longLog
    /// How long to wait at the gate, and for another process that was elected and does nothing.
    static let patience: Duration = .seconds(2)

    /// Whether the SQLite of this process has the WAL-reset bug.
    static var libraryHasResetBug: Bool {
        let number = sqlite3_libversion_number()
        return (3_007_000...3_051_002).contains(number) && ![3_050_007, 3_044_006].contains(number)
    }

    let file: DatabaseFile
    private let lock: Connection
    private let mover: Connection
    private let gate: WriteGate?
    private let reserve: DiskReserve?
    private let repair: WALRecovery
    /// `nil`: there are none, and every process counts as elected.
    let locks: DatabaseLocks?
    let logger: Logger
    private let thread: BlockingExecutor
    /// Does the work while `thread` waits at the gate.
    private let bypass: BlockingExecutor
    let progress = Mutex(Progress())

    struct Progress {
        /// The log's length after the last commit of this process, in pages.
        var length: Int32 = 0
        /// A reader that stays open keeps the log from being checkpointed completely. Then the next try waits until the
        /// log has this length.
        var nextTry = Checkpointer.pages
        /// Whether a round has been started.
        var isDue = false
        var warnedSize = Checkpointer.warningSize / 2
        var hasRestarted = false
        /// Whether the thread waits in line.
        var isAtGate = false
        /// Whether it has waited for longer than `patience`; rounds go past the gate until it opens.
        var isGateStuck = false
        /// Since when another process is elected, and the time of the last checkpoint then.
        var othersElection: (since: ContinuousClock.Instant, lastCheckpoint: Int64)?

        mutating func committed(_ pages: Int32) {
            if pages < length {
                nextTry = Checkpointer.pages
                hasRestarted = true
            }
            length = pages
        }
    }

    /// - Parameters:
    ///   - lock: A connection that is used for nothing else; so is `mover`.
    ///   - locks: Its own, not the writer's.
    ///   - isGated: Whether it waits at the gate.
    init(
        _ file: DatabaseFile, lock: Connection, mover: Connection, locks: DatabaseLocks?, isGated: Bool = true,
        reserve: DiskReserve?, repair: WALRecovery, logger: Logger,
        executors: BlockingExecutor.Maker = BlockingExecutor.threads
    ) {
        self.file = file
        thread = executors("stint.checkpoint.run", .utility)
        bypass = executors("stint.checkpoint.bypass", .utility)
        self.lock = lock
        self.mover = mover
        self.locks = locks
        gate = isGated ? locks.map(WriteGate.init) : nil
        self.reserve = reserve
        self.repair = repair
        self.logger = logger
    }

    /// Keeps its connections open as long as this process lives.
    func keepOpen() {
        lock.keepOpen()
        mover.keepOpen()
    }

    func freeMemory() async throws {
        try await lock.freeMemory()
        try await mover.freeMemory()
    }

    /// Waits for a checkpoint that is in progress, and closes the connections. No checkpoint may be started afterwards.
    func closeConnections() async {
        progress.withLock { ($0.isDue, $0.nextTry) = (false, .max) }
        // The order of a checkpoint, which uses the second connection while it holds the first one.
        await lock.close()
        await mover.close()
    }

    /// Makes SQLite report the length of the log after each commit of the writer.
    func observe(_ writer: Database) {
        // The writer owns both this object, through its closure for after a commit, and the connection.
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            writer.sqliteConnection,
            { context, _, _, pages in
                Unmanaged<Checkpointer>.fromOpaque(context!).takeUnretainedValue().progress.withLock {
                    $0.committed(pages)
                }
                return SQLITE_OK
            }, context)
    }

    /// Whether a commit of this process has found the log shorter than before, since the last call.
    func logHasRestarted() -> Bool {
        progress.withLock { progress in
            defer { progress.hasRestarted = false }
            return progress.hasRestarted
        }
    }

    /// Called after a commit of the writer: starts a checkpoint when the log is long enough.
    ///
    /// - Parameter isDiskFull: Whether to start earlier, since the log cannot grow; once it starts again, it need not
    ///   grow.
    func startIfNeeded(isDiskFull: Bool = false) {
        let starts = progress.withLock { progress in
            let length = isDiskFull ? Self.pages / 4 : progress.nextTry
            guard progress.length >= length, !progress.isDue else { return false }
            progress.isDue = true
            return true
        }
        if starts { start {} }
    }

    /// Checkpoints now, as far as possible.
    func run() async {
        await withCheckedContinuation { continuation in
            progress.withLock { $0.isDue = true }
            let continuation = Mutex<CheckedContinuation<Void, Never>?>(continuation)
            start {
                continuation.withLock { continuation in
                    continuation?.resume()
                    continuation = nil
                }
            }
        }
    }

    /// Checkpoints a deleted log at once, on this thread. Other processes may do the same.
    func saveDeletedLog() {
        progress.withLock { $0.isDue = true }
        runIfDue()
    }

    /// - Parameter done: Called when a round is over, on any thread; perhaps a second time later.
    private func start(_ done: @escaping @Sendable () -> Void) {
        if progress.withLock({ $0.isGateStuck }) {
            bypass.async {
                self.runPastGate()
                done()
            }
        } else {
            thread.async { self.runInLine(done) }
        }
    }

    private func runInLine(_ done: @escaping @Sendable () -> Void) {
        defer { done() }
        guard isElected() else { return }
        defer { resign() }
        guard let gate, !gate.enterIfOpen() else {
            runIfDue()
            gate?.leave()
            return
        }
        progress.withLock { $0.isAtGate = true }
        gate.enter(patience: Self.patience) {
            let isStuck = self.progress.withLock { progress in
                // The alarm may come a moment too late.
                progress.isGateStuck = progress.isAtGate
                return progress.isGateStuck
            }
            guard isStuck else { return }
            self.bypass.async {
                self.runIfDue()
                // This thread may wait for ever, and others must not wait for it.
                self.resign()
                done()
            }
        }
        progress.withLock { ($0.isAtGate, $0.isGateStuck) = (false, false) }
        runIfDue()
        gate.leave()
    }

    /// The process inside the gate is stopped, so only SQLite's own lock counts.
    private func runPastGate() {
        guard isElected() else { return }
        runIfDue()
        resign()
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
            noteCheckpoint()
            if rest > 0 { warnOfReaders() }
        } catch let error as StintError where error.code == .databaseBusy {
            // A program that does not know the gate is writing. The next commit tries again.
        } catch {
            progress.withLock { $0.nextTry = length + Self.pages / (reserve?.isDiskFull == true ? 4 : 1) }
            logger.warning("the log could not be checkpointed; it grows until it can", metadata: ["error": "\(error)"])
        }
    }

    /// - Returns: How many pages of the log could not be checkpointed because a reader still needs them.
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

    /// Whether the database can grow by what is new in the log. A checkpoint that fails takes the rest of the disk and
    /// is of no use, so on a full disk it is not tried. There is one exception: if at most half of the reserve is
    /// enough, that is given up. After that the log starts again, and needs no more space.
    private func hasRoom(_ lock: Database) throws -> Bool {
        guard let reserve, reserve.isDiskFull else { return true }
        let size = try Int.fetchOne(lock, sql: "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        let growth = (size ?? 0) - file.size
        let missing = growth > 0 ? growth + DiskReserve.smallestStep - reserve.free : 0
        return missing <= 0 || missing <= reserve.left - reserve.size / 2 && reserve.giveUp(missing)
    }

    private func rollBack(_ lock: Database) {
        do {
            try lock.rollback()
        } catch {
            // SQLite has rolled back by itself, or the connection is broken and the next statement reports that.
            logger.debug("after a checkpoint: \(error)")
        }
    }
}
