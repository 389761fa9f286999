import Logging
import StintCore
import StintPlatform
import Synchronization

/// A store in a PostgreSQL database, in the schema `stint`, for workers on any number of machines.
///
/// Its time is that of the server. Each verb is one transaction, at the isolation level READ COMMITTED: rows are locked
/// where two verbs must not both change them, and claims of queues with limits or groups take turns by a lock of the
/// queue.
public final class PostgresStore: JobStore {
    let connections: PostgresConnections
    /// What people call it: `the database 'jobs' on db.example.com`.
    package let name: String
    let logger: Logger
    /// Of a process that moves jobs: its ``StintCore/MoveID/run``.
    let moverRuns = Mutex<[MoveDirection: String]>([:])
    /// Tests move it; `nil`: the server's.
    let clock: (any QueueClock)?
    let knownQueues: KnownQueues
    let enqueues = CallBatches<PlacedJob, Enqueued> { $0.job.payload.count + $0.job.options.headers.byteCount }
    let acks = CallBatches<Settlement, Settlement.Answer>()
    private let clockWatch = ClockWatch()
    /// Shared by all workers of this process.
    let runLock = ExclusiveRunLock()
    let announcer: ChangeAnnouncer
    let scoreboards: PostgresScoreboards
    let outages: OutageWatch
    let firstLooks: FirstLooks
    let watermarks: Watermarks
    private let isClosed = Atomic(false)

    private init(
        _ connections: PostgresConnections, name: String, runFolder: String?, clock: (any QueueClock)?,
        quickMicroseconds: Int64, logger: Logger
    ) {
        self.connections = connections
        self.name = name
        self.clock = clock
        self.logger = logger
        knownQueues = KnownQueues(connections)
        let (start, steady) = (ContinuousClock.now, ContinuousClock())
        let milliseconds: @Sendable () -> Int64 = { clock?.now().monotonic ?? (steady.now - start).milliseconds }
        announcer = ChangeAnnouncer(connections, logger: logger, milliseconds: milliseconds)
        scoreboards = PostgresScoreboards(in: runFolder, clock: clock ?? SystemClock())
        outages = OutageWatch(connections, milliseconds: milliseconds)
        firstLooks = FirstLooks(milliseconds: milliseconds)
        watermarks = Watermarks(
            reconnects: { connections.reconnects }, milliseconds: milliseconds, quickMicroseconds: quickMicroseconds)
    }

    public struct Options: Sendable {
        /// Whether the schema `stint` is created if the database has none.
        public var createsSchema = true
        /// The address for LISTEN, if the other one is that of a pooler in transaction mode, such as PgBouncer: a pooler
        /// passes no notifications on.
        public var listenURL: String?
        /// Where the workers and supervisors of this machine find each other's files. `nil`, and a folder that cannot be
        /// written to: nothing is known of them, and a job that kills its process is never buried.
        public var runFolder: String? = RunFolder.ofThisUser()
        public var logger = Logger(label: "stint.postgres")
        /// Whether this is the process that moves the jobs of this database to another one, or of another one to this:
        /// what refuses changes meanwhile lets it pass.
        package var isMover = false

        public init() {}

        package init(runFolder: String) { self.runFolder = runFolder }
    }

    /// Connects, and creates or migrates the schema if that is needed.
    ///
    /// - Parameter url: See ``StintCore/StoreSource/postgres(_:options:)``.
    /// - Throws: ``StintError`` with the code `databaseUnusable` that says what to do.
    package static func open(
        _ url: String, options given: Options = Options(), clock: (any QueueClock)? = nil
    ) async throws -> PostgresStore {
        try await open(url, options: given, clock: clock, quickMicroseconds: Watermarks.quickMicroseconds)
    }

    /// - Parameter quickMicroseconds: See ``Watermarks``.
    static func open(
        _ url: String, options given: Options = Options(), clock: (any QueueClock)?, quickMicroseconds: Int64
    ) async throws -> PostgresStore {
        var options = PostgresConnections.Options()
        options.settings = settings
        if given.isMover { options.settings["stint.mover"] = "on" }
        options.logger = given.logger
        options.isPooled = given.listenURL != nil
        options.listenURL = given.listenURL
        let connections = try PostgresConnections(url, options: options)
        do {
            let name = try await connections.run(
                [PostgresStatement("SELECT current_database()")], isReading: true)[0][0].text(0)
            let description = "the PostgreSQL database \(quoted(name))"
            try await PostgresSchema(name: description).prepare(connections, mayCreate: given.createsSchema)
            return PostgresStore(
                connections, name: description, runFolder: given.runFolder, clock: clock,
                quickMicroseconds: quickMicroseconds, logger: given.logger)
        } catch {
            await connections.close()
            throw error
        }
    }

    /// A queue's tables are empty half of the time, and plans that were made from statistics of then read all of a full
    /// one: a claim took 30 times as long. So the plans do not depend on them.
    ///
    /// A plan without the nodes that are switched off costs more than the threshold from which the server compiles
    /// plans, which takes longer than all else.
    static let settings = [
        "jit": "off", "enable_seqscan": "off", "enable_bitmapscan": "off", "enable_hashjoin": "off",
        "enable_mergejoin": "off", "plan_cache_mode": "force_generic_plan",
    ]

    // MARK: - Verbs

    /// Runs a verb that changes something, as one transaction. It is run again if it met with another transaction in such
    /// a way that the server has undone it.
    ///
    /// - Parameter isEnqueue: Whether it enqueues jobs and does nothing else: that is allowed also while the jobs are moved
    ///   to another database, and after that.
    func change<Value: Sendable>(
        isEnqueue: Bool = false, _ verb: @Sendable (JobTransaction) async throws -> Value
    ) async throws -> Value {
        try checkStillThere()
        let (value, change, queues, reconnects) = try await connections.transaction { [clock, connections] sql in
            let reconnects = connections.reconnects
            let transaction = try await JobTransaction(sql, self, clock, isEnqueue: isEnqueue)
            if !isEnqueue { try await transaction.checkRun(.in) }
            let value = try await verb(transaction)
            try await transaction.finish()
            return (value, transaction.change, transaction.newQueues, reconnects)
        }
        knownQueues.note(queues, since: reconnects)
        announcer.announce(change)
        return value
    }

    /// Runs a verb that only reads.
    func read<Value: Sendable>(
        _ verb: @Sendable (JobTransaction) async throws -> Value
    ) async throws -> Value {
        try checkStillThere()
        return try await connections.transaction(isReading: true) { [clock] sql in
            try await verb(try await JobTransaction(sql, self, clock))
        }
    }

    /// Notices whether the server's clock was set, before deadlines are compared with it.
    func watchClock() async throws {
        // A clock that a test moves is steady.
        guard clock == nil else { return }
        let jump = try await clockWatch.look(connections)
        if jump != 0 {
            logger.warning(
                "the server's clock was set; leases and rates go on as before", metadata: ["milliseconds": "\(jump)"])
        }
    }

    // MARK: - Closing

    public func checkStillThere() throws {
        if isClosed.load(ordering: .acquiring) { throw StintError.closed(name) }
    }

    public func close() async {
        guard !isClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        await announcer.close()
        await connections.close()
    }
}

extension StoreSource where Store == PostgresStore {
    /// A database of a PostgreSQL server, for workers on any number of machines. Stint's tables are in the schema `stint`,
    /// which is created if it does not exist.
    ///
    /// - Parameter url: As libpq takes it: `postgres://user@host/database`, several hosts with
    ///   `target_session_attrs=read-write`, `sslmode=verify-full`. Its variables and its password file hold.
    public static func postgres(
        _ url: String, options: PostgresStore.Options = PostgresStore.Options()
    ) -> StoreSource {
        StoreSource { try await PostgresStore.open(url, options: options) }
    }
}
