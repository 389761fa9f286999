import StintCore
import StintPlatform

/// The changes of one transaction. Each verb is an extension in a file of its own and may be combined with others;
/// ``finish()`` writes the counts, once for each queue, and ends it.
///
/// Every statement sees what was committed before it began, so what decides is read after the lock that protects it, or
/// by the statement that changes it.
final class JobTransaction {
    /// The first number of all advisory locks of Stint, so that they are nobody else's: `stin`. The second one is the
    /// queue's id, or 0 for the schema.
    static let lockClass = 0x7374_696E

    let sql: PostgresTransaction
    let store: PostgresStore
    private(set) var now: StoreTime
    /// Of interest to others once it is committed.
    var change = StoreChange()
    /// Queues that this transaction has looked up or created.
    var newQueues: [QueueName: Int64] = [:]
    /// The locks that it holds, and whether it holds them alone.
    private var locks: [Int64: Bool] = [:]
    private var tallies: [Int64: Tally] = [:]
    /// Whether it has changed nothing that listeners want to know of.
    var changesNothing = false
    private var errorCounts: [ErrorCount.Key: ErrorCount] = [:]
    /// Groups that it has put into their lines.
    var groupsInLine: Set<Int64> = []
    var groupIDs: [GroupKey: Int64] = [:]

    init(
        _ sql: PostgresTransaction, _ store: PostgresStore, _ clock: (any QueueClock)?, isEnqueue: Bool = false
    ) async throws {
        self.sql = sql
        self.store = store
        var statements = [Self.readNow]
        if isEnqueue { statements.insert(Self.markEnqueue, at: 0) }
        if let reading = clock?.now() {
            statements.insert(Self.setClock(reading), at: 0)
        }
        now = try Self.time(try await sql.run(statements).last)
    }

    // MARK: - Statements

    func run(_ statements: [PostgresStatement]) async throws -> [PostgresRows] { try await sql.run(statements) }

    @discardableResult
    func run(_ text: String, _ parameters: PostgresValue...) async throws -> PostgresRows {
        try await sql.run([PostgresStatement(text, parameters)])[0]
    }

    // MARK: - Time and locks

    /// Sets the time of the transaction, for tests.
    static func setClock(_ reading: ClockReading) -> PostgresStatement {
        PostgresStatement(
            "SELECT set_config('stint.test_now_ms', $1, true), set_config('stint.test_steady_ms', $2, true)",
            [.text(String(reading.wall)), .text(String(reading.monotonic))])
    }

    private static let readNow = PostgresStatement("SELECT stint.now_ms(), stint.steady_ms()")

    /// What refuses changes while the jobs are moved, and after that, lets this transaction pass.
    private static let markEnqueue = PostgresStatement("SELECT set_config('stint.enqueues', 'on', true)")

    private static func time(_ rows: PostgresRows?) throws -> StoreTime {
        guard let row = rows?.first else { throw StintError(.databaseUnusable, "the server has told no time") }
        return StoreTime(wall: try row.int(0), steady: try row.int(1))
    }

    /// Takes the locks of queues until the end of the transaction, in the order of their ids. Whoever claims from a queue
    /// with limits or groups, or changes a queue's settings, holds its lock alone. Other claims, and whatever makes a job
    /// of a group ready, hold it together. A wait for them uses up nothing of a lease: the time is read again.
    func lock(_ queues: some Sequence<Int64>, exclusively: Bool) async throws {
        try await lock(Dictionary(queues.map { ($0, exclusively) }) { $0 || $1 })
    }

    /// - Parameter queues: Whether each is locked alone.
    func lock(_ queues: [Int64: Bool]) async throws {
        let missing = queues.filter { queue, exclusively in
            locks[queue].map { exclusively && !$0 } ?? true
        }.sorted { $0.key < $1.key }
        guard !missing.isEmpty else { return }
        let rows = try await run([
            PostgresStatement(
                """
                SELECT CASE WHEN alone THEN pg_advisory_xact_lock(\(Self.lockClass), queue)
                            ELSE pg_advisory_xact_lock_shared(\(Self.lockClass), queue) END
                FROM unnest($1::integer[], $2::boolean[]) AS l (queue, alone)
                """, [.int32s(missing.map { Int32(clamping: $0.key) }), .bools(missing.map(\.value))]),
            Self.readNow,
        ])
        now = try Self.time(rows.last)
        for (queue, exclusively) in missing { locks[queue] = exclusively }
    }

    /// Reads the time again, after a wait.
    func readTime() async throws { now = try Self.time(try await run([Self.readNow]).last) }

    // MARK: - Queues

    /// The row of a queue; creates it if it does not exist.
    func queueID(_ name: QueueName) async throws -> Int64 {
        if let id = try await knownQueueID(name) { return id }
        try await run("INSERT INTO stint.queues (name) VALUES ($1) ON CONFLICT DO NOTHING", .text(name.description))
        guard let id = try await knownQueueID(name) else { throw StintError.noQueue(name) }
        return id
    }

    /// `nil`: there is no such queue.
    func knownQueueID(_ name: QueueName) async throws -> Int64? {
        if let known = newQueues[name] ?? store.knownQueues.id(of: name) { return known }
        let id = try await run("SELECT id FROM stint.queues WHERE name = $1", .text(name.description)).first?.int(0)
        newQueues[name] = id
        return id
    }

    // MARK: - Counts

    /// Adds to the counts of a queue; a negative number subtracts.
    func count(
        _ queue: Int64, ready: Int = 0, delayed: Int = 0, leased: Int = 0, buried: Int = 0, done: Int = 0,
        cancelled: Int = 0, expired: Int = 0
    ) {
        tallies[queue, default: Tally()].ready += ready
        tallies[queue]!.delayed += delayed
        tallies[queue]!.leased += leased
        tallies[queue]!.buried += buried
        tallies[queue]!.activity.buried += max(0, buried)
        tallies[queue]!.activity.done += done
        tallies[queue]!.activity.cancelled += cancelled
        tallies[queue]!.activity.expired += expired
        if ready > 0 || delayed > 0 { change.wakes.insert(queue) }
    }

    /// Adds to what happened in a queue.
    func note(_ queue: Int64, _ add: (inout ActivityCounts) -> Void) { add(&tallies[queue, default: Tally()].activity) }

    /// What this transaction has changed so far of the number of ready jobs: it is written at the end.
    func pendingReady(_ queue: Int64) -> Int { tallies[queue]?.ready ?? 0 }

    /// Whether no count of jobs was changed so far.
    var hasCountedNothing: Bool { tallies.values.allSatisfy(\.isEmpty) }

    /// Adds to the number of jobs that are buried with like errors, in a queue and in all of them.
    func countError(_ group: Int64, _ queue: Int64, _ jobs: Int64, at time: Timestamp) {
        for queue in [queue, 0] {
            errorCounts[ErrorCount.Key(group: group, queue: queue), default: ErrorCount()].add(jobs, at: time)
        }
    }

    /// Writes the counts, last and in the order of their rows: others that write the same ones wait, until the commit.
    func finish() async throws {
        let errors = errorCounts.sorted { $0.key < $1.key }.flatMap { $0.value.statements($0.key) }
        let counts = tallies.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }
            .map { $0.value.statement($0.key, at: now.wall) }
        if !changesNothing { change.isAny = true }
        (errorCounts, tallies) = ([:], [:])
        if !errors.isEmpty || !counts.isEmpty { _ = try await run(errors + counts) }
    }
}

/// What a transaction changes of the number of jobs that are buried with like errors.
struct ErrorCount {
    struct Key: Hashable, Comparable {
        let group: Int64
        /// 0: all queues together.
        let queue: Int64

        static func < (one: Key, other: Key) -> Bool { (one.group, one.queue) < (other.group, other.queue) }
    }

    private var jobs: Int64 = 0
    private var first = Timestamp.max
    private var last = Timestamp.min

    mutating func add(_ jobs: Int64, at time: Timestamp) {
        self.jobs += jobs
        if jobs > 0 { (first, last) = (min(first, time), max(last, time)) }
    }

    /// A row goes with its last job.
    func statements(_ key: Key) -> [PostgresStatement] {
        let update = PostgresStatement(
            """
            INSERT INTO stint.error_groups AS g (error_group, queue_id, buried, first_at, last_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (error_group, queue_id) DO UPDATE SET buried = g.buried + excluded.buried,
                first_at = least(g.first_at, excluded.first_at), last_at = greatest(g.last_at, excluded.last_at)
            """, [.int(key.group), .int(key.queue), .int(jobs), .int(first), .int(last)])
        let delete = PostgresStatement(
            "DELETE FROM stint.error_groups WHERE error_group = $1 AND queue_id = $2 AND buried <= 0",
            [.int(key.group), .int(key.queue)])
        return jobs < 0 ? [update, delete] : [update]
    }
}
