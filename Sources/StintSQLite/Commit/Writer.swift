import Dispatch
import GRDB
import GRDBSQLite
import Logging
import StintCore
import StintPlatform
import Synchronization

/// The one connection of a process that writes. Callers that come while a transaction is under way share the next one
/// (group commit), so that 64 tasks that each enqueue a job do not pay for 64 syncs of the disk. A single caller waits
/// for no other.
///
/// Callers are answered when the log is synced, which happens without the write lock: other processes write meanwhile,
/// and so does this one if callers wait. See ``WALSync``.
///
/// On a full disk, requests that must succeed use the ``DiskReserve``.
///
/// Each transaction passes the ``WriteGate`` first. If the gate does not open for a while, because the process inside
/// is stopped, the transactions go past it and wait for SQLite's own lock.
final class Writer: Sendable {
    /// How long to wait at the gate: many times the length of a turn of all other processes.
    private static let patience: Duration = .seconds(1)
    private static let lingering: Duration = .microseconds(40)

    let connection: Connection
    private let gate: WriteGate?
    private let answers: CommitAcknowledger
    let reserve: DiskReserve?
    private let schema: SchemaWatch
    private let busyTimeout: Duration
    /// Why nothing can be written; `nil` if it can.
    private let refusal: StintError?
    private let logger: Logger
    private let clock: any QueueClock
    /// Called on the connection's thread after each transaction; returns whether the log has started again.
    private let onCommit: @Sendable (_ wakesWorkers: Bool, _ isDiskFull: Bool) -> Bool
    private let marks: FileMarks
    private let thread: BlockingExecutor
    /// Does the work while `thread` waits at the gate.
    private let bypass: BlockingExecutor
    private let state = Mutex(State())

    private struct State {
        var waiting = WaitingWrites()
        /// Whether a drain of the waiting requests is running or scheduled.
        var isDraining = false
        /// Whether the gate has not opened for longer than `patience`; transactions go past it until it opens.
        var isGateStuck = false
    }

    init(
        _ connection: Connection, gate: WriteGate?, log: WALSync?, schema: SchemaWatch, reserve: DiskReserve?,
        busyTimeout: Duration, logger: Logger, executors: BlockingExecutor.Maker, clock: any QueueClock,
        marksFile: Bool = true, refusal: StintError? = nil,
        onCommit: @escaping @Sendable (_ wakesWorkers: Bool, _ isDiskFull: Bool) -> Bool
    ) {
        self.connection = connection
        self.gate = gate
        thread = executors("stint.write", .unspecified)
        bypass = executors("stint.write.bypass", .unspecified)
        answers = CommitAcknowledger(log, schema.file, executors)
        self.schema = schema
        self.reserve = reserve
        self.busyTimeout = busyTimeout
        self.logger = logger
        self.clock = clock
        self.refusal = refusal
        marks = FileMarks(logger, isOn: marksFile)
        self.onCommit = onCommit
    }

    /// Performs the call's changes in a transaction, alone or with other callers' requests, and returns when it is committed
    /// and, if the call needs that, on disk.
    ///
    /// - Throws: What the call's body throws, or why the transaction failed; nothing was changed then.
    func write<Value, Answer: Sendable>(_ call: WriteCall<Value, Answer>) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            write(call) { continuation.resume(with: $0) }
        }
    }

    /// The same for a caller that does not wait.
    ///
    /// - Parameter answer: Called once, perhaps at once, and must not block.
    func write<Value, Answer: Sendable>(
        _ call: WriteCall<Value, Answer>, answer: @escaping @Sendable (Result<Answer, any Error>) -> Void
    ) {
        if let refusal { return answer(.failure(refusal)) }
        submit(CallerWriteRequest(clock, call, answer: answer))
    }

    /// The number of callers that wait for the next transaction.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Whether a transaction is under way, or waits for the lock.
    var isBusy: Bool { state.withLock(\.isDraining) }

    private func submit(_ write: any WriteRequest) {
        let (starts, bypasses) = state.withLock { state in
            state.waiting.append(write)
            defer { state.isDraining = true }
            return (!state.isDraining, state.isGateStuck)
        }
        if starts { thread.async { self.drain() } }
        if bypasses { bypass.async { self.commitPastGate() } }
    }

    /// Performs group after group, until no caller waits.
    private func drain() {
        repeat {
            let isContended = enterGate()
            commitGroup(isGated: true, isContended: isContended)
            if !isContended { linger() }
        } while state.withLock { state in
            state.isDraining = !state.waiting.isEmpty
            return state.isDraining
        }
    }

    /// A caller that was just answered often comes back at once. If no other process wants to write, this thread waits
    /// for it for a moment without sleeping, since waking a thread takes as long as a small transaction.
    private func linger() {
        let end = ContinuousClock.now + Self.lingering
        while state.withLock({ $0.waiting.isEmpty }) && ContinuousClock.now < end { sched_yield() }
    }

    /// - Returns: Whether other processes were inside or in line.
    private func enterGate() -> Bool {
        guard let gate else { return false }
        // This is done even if the gate opens at once: the alarm of an earlier wait may have come a moment too late.
        defer { state.withLock { $0.isGateStuck = false } }
        if gate.enterIfOpen() { return false }
        gate.enter(patience: min(Self.patience, busyTimeout / 2)) { [self] in
            state.withLock { $0.isGateStuck = true }
            bypass.async { self.commitPastGate() }
        }
        return true
    }

    private func commitPastGate() {
        while state.withLock({ $0.isGateStuck && !$0.waiting.isEmpty }) {
            commitGroup(isGated: false, isContended: true)
        }
    }

    // MARK: - A transaction

    private func commitGroup(isGated: Bool, isContended: Bool) {
        connection.runBlocking { database in
            let group = state.withLock { $0.waiting.takeGroup() }
            if let first = group.first { connection.busyWait.begin(after: .now - first.since) }
            let (committed, wakesWorkers, isDiskFull) = commit(group, database)
            if isGated { gate?.leave() }
            guard !committed.isEmpty else { return }
            let logHasRestarted = onCommit(wakesWorkers, isDiskFull)
            // The kernel mostly wakes the thread that watches the log on this very processor.
            if !isContended && wakesWorkers { sched_yield() }
            answers.answer(committed, othersWait: state.withLock { !$0.waiting.isEmpty }) {
                for write in committed { write.prepareAnswer(database) }
            }
            if logHasRestarted { marks.markNewLog(database) }
        }
    }

    /// Refuses the requests that fail; they do not delay the others.
    ///
    /// - Returns: The requests whose changes are committed.
    private func commit(
        _ group: [any WriteRequest], _ database: Database
    ) -> (committed: [any WriteRequest], wakesWorkers: Bool, isDiskFull: Bool) {
        var isDiskFull = false
        var rest = permitted(group)
        while !rest.isEmpty {
            do {
                // Immediate: a transaction that reads first and then writes could fail with BUSY_SNAPSHOT at once,
                // whatever the busy timeout.
                try Statement("BEGIN IMMEDIATE", database).execute()
                try schema.check(database)
                if let wakesWorkers = try perform(&rest, database) {
                    try marks.changeIfDue(database)
                    try Statement("COMMIT", database).execute()
                    return (rest, wakesWorkers, isDiskFull)
                }
                rollBack(database)
            } catch {
                rollBack(database)
                if self.isDiskFull(error, database) {
                    isDiskFull = true
                    rest = thoseThatMayGoOn(rest)
                } else {
                    let failure = translated(error, of: connection.file)
                    for write in rest { write.refuse(failure) }
                    rest = []
                }
            }
        }
        return ([], false, isDiskFull)
    }

    /// - Returns: `nil` if one of them failed half-way: it is refused, and the others must be performed again.
    /// - Throws: An error that concerns all of them: the disk is full.
    private func perform(_ writes: inout [any WriteRequest], _ database: Database) throws -> Bool? {
        let counts = QueueCounts()
        var wakesWorkers = false
        var index = 0
        while index < writes.count {
            let before = sqlite3_total_changes(database.sqliteConnection)
            do {
                if try writes[index].perform(database, counts) { wakesWorkers = true }
                index += 1
            } catch  where isDiskFull(error, database) {
                throw error
            } catch {
                writes.remove(at: index).refuse(translated(error, of: connection.file))
                let isUntouched = sqlite3_total_changes(database.sqliteConnection) == before
                guard isUntouched, sqlite3_get_autocommit(database.sqliteConnection) == 0 else { return nil }
            }
        }
        try JobTransaction(database, clock).write(counts)
        return writes.isEmpty ? nil : wakesWorkers
    }

    /// SQLite has rolled back by itself, if the disk is full or broken, or does it now. If it cannot, the next `BEGIN`
    /// reports that.
    private func rollBack(_ database: Database) {
        guard sqlite3_get_autocommit(database.sqliteConnection) == 0 else { return }
        do {
            try Statement("ROLLBACK", database).execute()
        } catch {
            logger.error("a transaction could not be rolled back", metadata: ["error": "\(error)"])
        }
    }
}
