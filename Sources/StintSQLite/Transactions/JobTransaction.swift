import GRDB
import StintCore
import StintPlatform

/// The changes of one transaction. Each verb is an extension in a file of its own and may be combined with others.
/// ``finish()`` writes the counts, once for each queue, and ends it.
///
/// It runs inside the caller's `BEGIN IMMEDIATE`. If a verb throws, the caller must roll back.
final class JobTransaction {
    let database: Database
    /// Read within the transaction: a wait for the lock must not use up part of a lease.
    let now: ClockReading
    /// How long ago the verb was called; mostly the wait for the lock.
    let waited: Duration
    /// There are few queues, or one after the other: searching from the end costs less than a dictionary.
    private var counts: [(queue: Int64, change: Counts, activity: ActivityCounts)] = []
    private var insertReadyStatement: Statement?
    private var insertReadySinceStatement: Statement?
    private var putInLineStatement: Statement?
    private var queueIDs: [QueueName: Int64] = [:]
    private var lastQueue: (name: QueueName, id: Int64)?
    var groupIDs: [GroupKey: Int64] = [:]
    var ungroupedIDs: [Int64: Int64?] = [:]
    /// Groups that this transaction has put into the line.
    var groupsInLine: Set<Int64> = []
    /// Whether a job became ready or delayed, so that a sleeping worker may have something to do.
    var wakesWorkers = false
    /// Whether jobs were taken from their holders, or their holders must not start them; see ``RevocationMark``.
    var revokes = false

    /// - Parameter calledAt: When the verb was called, by the clock's monotonic time; `nil`: just now.
    init(_ database: Database, _ clock: any QueueClock, calledAt: Int64? = nil) {
        self.database = database
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
        let index = index(of: queue)
        counts[index].change.add(ready, delayed, leased, buried, done, cancelled, expired)
        if ready > 0 || delayed > 0 { wakesWorkers = true }
        // Jobs leave these states without anything that is counted by time.
        guard buried > 0 || done > 0 || cancelled > 0 || expired > 0 else { return }
        counts[index].activity.buried += max(0, buried)
        counts[index].activity.done += done
        counts[index].activity.cancelled += cancelled
        counts[index].activity.expired += expired
    }

    /// Adds to what happened in a queue.
    func note(_ queue: Int64, _ add: (inout ActivityCounts) -> Void) {
        add(&counts[index(of: queue)].activity)
    }

    private func index(of queue: Int64) -> Int {
        if let known = counts.lastIndex(where: { $0.queue == queue }) { return known }
        counts.append((queue, Counts(), ActivityCounts()))
        return counts.count - 1
    }

    /// What this transaction has changed of a queue's counts so far: they are written at its end.
    func pending(_ queue: Int64) -> (ready: Int64, leased: Int64) {
        let change = counts.last { $0.queue == queue }?.change
        return (change?.ready ?? 0, change?.leased ?? 0)
    }

    func finish() throws {
        for (queue, change, activity) in counts {
            do {
                if !activity.isEmpty {
                    try write(activity, of: queue) { minute, text in
                        let update = try statement(HotSQL.addCountsAndActivity)
                        change.bind(to: update, queue)
                        update.bind(9, minute)
                        update.bind(10, uncopied: text)
                        try update.execute()
                    }
                } else if change != Counts() {
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
        counts = []
    }

    /// The row id of a queue; creates the queue if it does not exist.
    func queueID(_ name: QueueName) throws -> Int64 {
        if let lastQueue, lastQueue.name == name { return lastQueue.id }
        if let known = queueIDs[name] {
            lastQueue = (name, known)
            return known
        }
        let select = try statement(HotSQL.queueID)
        select.bind(1, name.description)
        var id = try select.first { $0.int(0) }
        if id == nil {
            let insert = try statement("INSERT INTO stint_queues (name) VALUES (?1)")
            insert.bind(1, name.description)
            id = try insert.insertedID()
        }
        queueIDs[name] = id
        lastQueue = (name, id!)
        return id!
    }
}

private struct Counts: Equatable {
    var ready: Int64 = 0
    var delayed: Int64 = 0
    var leased: Int64 = 0
    var buried: Int64 = 0
    var done: Int64 = 0
    var cancelled: Int64 = 0
    var expired: Int64 = 0

    func bind(to update: Statement, _ queue: Int64) {
        update.bind(1, queue)
        update.bind(2, ready)
        update.bind(3, delayed)
        update.bind(4, leased)
        update.bind(5, buried)
        update.bind(6, done)
        update.bind(7, cancelled)
        update.bind(8, expired)
    }

    mutating func add(
        _ ready: Int, _ delayed: Int, _ leased: Int, _ buried: Int, _ done: Int, _ cancelled: Int, _ expired: Int
    ) {
        self.ready += Int64(ready)
        self.delayed += Int64(delayed)
        self.leased += Int64(leased)
        self.buried += Int64(buried)
        self.done += Int64(done)
        self.cancelled += Int64(cancelled)
        self.expired += Int64(expired)
    }
}
