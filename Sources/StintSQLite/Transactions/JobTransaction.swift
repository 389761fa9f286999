import GRDB
import StintCore
import StintPlatform

/// The changes of one transaction. Each verb is an extension in a file of its own and may be combined with others.
/// ``finish()`` writes the counts, once for each queue, and ends it; those who share a transaction have theirs written
/// together.
///
/// It runs inside the caller's `BEGIN IMMEDIATE`. If a verb throws, the caller must roll back.
final class JobTransaction {
    let database: Database
    /// Read within the transaction: a wait for the lock must not use up part of a lease.
    let now: ClockReading
    /// How long ago the verb was called; mostly the wait for the lock.
    let waited: Duration
    private let counts = QueueCounts()
    /// The counts of those who share the transaction.
    let shared: QueueCounts?
    private var errorCounts: [Int64: [Int64: ErrorCount]] = [:]
    private var insertReadyStatement: Statement?
    private var insertReadySinceStatement: Statement?
    private var putInLineStatement: Statement?
    private var queueIDs: [QueueName: Int64] = [:]
    private var lastQueue: (name: QueueName, id: Int64)?
    var groupIDs: [GroupKey: Int64] = [:]
    var ungroupedIDs: [Int64: Int64?] = [:]
    /// Whether the texts of a queue are indexed.
    var knownSearched: [Int64: Bool] = [:]
    /// Groups that this transaction has put into the line.
    var groupsInLine: Set<Int64> = []
    /// Whether a job became ready or delayed, so that a sleeping worker may have something to do.
    var wakesWorkers = false
    /// Whether jobs were taken from their holders, or their holders must not start them; see ``RevocationMark``.
    var revokes = false

    /// - Parameters:
    ///   - calledAt: When the verb was called, by the clock's monotonic time; `nil`: just now.
    ///   - shared: Gets the counts, for callers that share the transaction. Its owner writes them at the end.
    init(_ database: Database, _ clock: any QueueClock, calledAt: Int64? = nil, shared: QueueCounts? = nil) {
        self.database = database
        self.shared = shared
        now = clock.now()
        waited = .milliseconds(max(0, now.monotonic - (calledAt ?? now.monotonic)))
    }

    /// Runs `body` as one transaction of its own on this connection.
    static func run<Value>(
        _ database: Database, _ clock: any QueueClock, _ body: (JobTransaction) throws -> Value
    ) throws -> (value: Value, wakesWorkers: Bool) {
        var result: (Value, Bool)?
        // Immediate: a transaction that reads first and then writes could fail with BUSY_SNAPSHOT at once, whatever the
        // busy timeout.
        try database.inTransaction(.immediate) {
            let transaction = JobTransaction(database, clock)
            let value = try body(transaction)
            try transaction.finish()
            result = (value, transaction.wakesWorkers)
            return .commit
        }
        return result!
    }

    func statement(_ sql: String) throws -> Statement {
        try Statement(sql, database)
    }

    /// The statement is the same for each job of a transaction, so it is looked up once: a look-up hashes the whole
    /// text.
    func insertReady() throws -> Statement {
        if let insertReadyStatement { return insertReadyStatement }
        let statement = try statement(HotSQL.insertReady)
        insertReadyStatement = statement
        return statement
    }

    func insertReadySince() throws -> Statement {
        if let insertReadySinceStatement { return insertReadySinceStatement }
        let statement = try statement(HotSQL.insertReadySince)
        insertReadySinceStatement = statement
        return statement
    }

    /// The same for each group.
    func putInLine() throws -> Statement {
        if let putInLineStatement { return putInLineStatement }
        let statement = try statement(HotSQL.putInLine)
        putInLineStatement = statement
        return statement
    }

    /// Adds to the counts of a queue; a negative number subtracts.
    func count(
        _ queue: Int64, ready: Int = 0, delayed: Int = 0, leased: Int = 0, buried: Int = 0, done: Int = 0,
        cancelled: Int = 0, expired: Int = 0
    ) {
        let change = QueueCounts.Change(
            ready: Int64(ready), delayed: Int64(delayed), leased: Int64(leased), buried: Int64(buried),
            done: Int64(done), cancelled: Int64(cancelled), expired: Int64(expired))
        counts.add(change, to: queue)
        if ready > 0 || delayed > 0 { wakesWorkers = true }
    }

    /// Adds to what happened in a queue.
    func note(_ queue: Int64, _ add: (inout ActivityCounts) -> Void) { counts.note(queue, add) }

    /// What has been changed of a queue's counts so far: they are written at the end.
    func pending(_ queue: Int64) -> (ready: Int64, leased: Int64) {
        let (mine, others) = (counts.change(of: queue), shared?.change(of: queue))
        return ((mine?.ready ?? 0) + (others?.ready ?? 0), (mine?.leased ?? 0) + (others?.leased ?? 0))
    }

    /// Adds to the number of jobs that are buried with like errors, in a queue and in all of them.
    func countError(_ group: Int64, _ queue: Int64, _ jobs: Int64, at time: Timestamp) {
        for queue in [queue, 0] {
            var change = errorCounts[group]?[queue] ?? ErrorCount()
            change.jobs += jobs
            if jobs > 0 { (change.first, change.last) = (min(change.first, time), max(change.last, time)) }
            errorCounts[group, default: [:]][queue] = change
        }
    }

    /// Leaves the counts to those who share the transaction, or writes them.
    func finish() throws {
        for (group, queues) in errorCounts {
            for (queue, change) in queues { try write(change, of: group, in: queue) }
        }
        errorCounts = [:]
        if let shared { shared.take(counts) } else { try write(counts) }
    }

    /// Writes what those have counted who share the transaction and came before this one.
    func writeSharedCounts() throws {
        if let shared { try write(shared) }
    }

    func write(_ counts: QueueCounts) throws {
        for (queue, change, activity) in counts.queues {
            do {
                if !activity.isEmpty {
                    try write(activity, of: queue) { minute, text in
                        let update = try statement(HotSQL.addCountsAndActivity)
                        change.bind(to: update, queue)
                        update.bind(9, minute)
                        update.bind(10, uncopied: text)
                        try update.execute()
                    }
                } else if change != QueueCounts.Change() {
                    let update = try statement(HotSQL.addCountsAlone)
                    change.bind(to: update, queue)
                    try update.execute()
                }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                // Past the range of a number: another program has written an absurd count, and that must not stop any
                // job.
                try statement(HotSQL.recount).execute(queue, change.done, change.cancelled, change.expired)
                try write(activity, of: queue) { minute, text in
                    let update = try statement("UPDATE stint_queues SET minute = ?2, activity = ?3 WHERE id = ?1")
                    update.bind(1, queue)
                    update.bind(2, minute)
                    update.bind(3, uncopied: text)
                    try update.execute()
                }
            }
        }
        counts.removeAll()
    }

    /// The row id of a queue; creates the queue if it does not exist.
    func queueID(_ name: QueueName) throws -> Int64 {
        if let lastQueue, lastQueue.name == name { return lastQueue.id }
        if let known = queueIDs[name] {
            lastQueue = (name, known)
            return known
        }
        var id = try knownQueueID(name)
        if id == nil {
            let insert = try statement("INSERT INTO stint_queues (name) VALUES (?1)")
            insert.bind(1, name.description)
            id = try insert.insertedID()
        }
        queueIDs[name] = id
        lastQueue = (name, id!)
        return id!
    }

    /// `nil`: there is no such queue.
    func knownQueueID(_ name: QueueName) throws -> Int64? {
        let select = try statement(HotSQL.queueID)
        select.bind(1, name.description)
        return try select.first { $0.int(0) }
    }
}
