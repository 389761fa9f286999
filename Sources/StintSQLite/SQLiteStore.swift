import Foundation
import GRDB
import GRDBSQLite
import Logging
import StintCore
import StintSQLiteMigrations

/// Jobs in one SQLite file, shared by any number of processes on one machine.
///
/// A process needs one value of this type for a file. It holds four connections: one that writes, one that reads, two
/// for checkpoints. They are closed when the last reference goes.
public final class SQLiteStore: JobStore {
    public struct Options: Sendable {
        public var durability: Durability
        /// How long to wait for another process's write lock before a verb throws `databaseBusy`.
        public var busyTimeout: Duration
        /// Whether to make the file where there is none.
        public var createsFile: Bool
        /// Whether Stint's tables, all named `stint_…`, may be added to a database that has others.
        public var installsIntoOthers: Bool
        public var logger: Logger
        /// How processes wait for each other; for comparison.
        package var waiting = Waiting.gate
        /// What its blocking work is done on; a simulated world has lanes of its own.
        package var lanes: Lane.Maker = Lane.threads
        /// What this Stint knows of schemas; fewer, or more, make it an older or a newer one, for tests.
        package var migrations = SQLiteMigrations.all

        public init(
            durability: Durability = .full, busyTimeout: Duration = .seconds(30), createsFile: Bool = true,
            installsIntoOthers: Bool = true, logger: Logger = Logger(label: "stint")
        ) {
            self.durability = durability
            self.busyTimeout = busyTimeout
            self.createsFile = createsFile
            self.installsIntoOthers = installsIntoOthers
            self.logger = logger
        }
    }

    /// How a transaction waits until it may write.
    package enum Waiting: Sendable {
        /// In line, at the ``WriteGate``.
        case gate
        /// By SQLite's own busy handler, as most programs do.
        case busyTimeout
    }

    /// The absolute path.
    public let path: String
    let options: Options
    let transactions: Writer
    let reader: Connection
    let checkpoint: Checkpoint
    let schema: SchemaWatch
    let handOut: HandOut
    let boards: StartBoards
    let room = HandlerRoom()
    let revocations: RevocationFile
    let signals: WakeUpSignals
    let watch: LogWatch

    /// Opens the file, makes or migrates it where needed. Blocks; ``StoreSource/sqlite(_:options:)`` does not.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable`: a missing or read-only folder, an empty, foreign or
    ///   corrupt file, a newer schema. Nothing was written then.
    public init(path: String, options: Options = Options()) throws {
        guard sqlite3_libversion_number() >= 3_037_000 else {
            throw StintError(
                .databaseUnusable,
                "SQLite \(String(cString: sqlite3_libversion())) is too old: Stint needs 3.37 or later (STRICT tables)")
        }
        let file = DatabaseFile(path: path)
        try file.check(mayCreate: options.createsFile)
        if !file.exists { try file.create(orUseAnothers: true) { try Self.build($0, options) } }

        self.path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        self.options = options
        let signals = WakeUpSignals()
        self.signals = signals
        handOut = HandOut(logger: options.logger)
        let target = DatabaseFile(path: self.path)
        boards = StartBoards(beside: target.target)
        revocations = RevocationFile(beside: target.target, logger: options.logger)
        let writer = try Self.openOutOfReserve(file, options)
        let reserve = Self.reserve(file, options)
        let schema = SchemaWatch(Schema(file: path, mayInstall: true, migrations: options.migrations))
        self.schema = schema
        reader = try Self.connect(path, "reader", options, readOnly: true)
        // Long enough to open the file while another process closes it, and short for a checkpoint, which can come later.
        let lock = try Self.connect(path, "checkpoint", options, busyTimeout: .seconds(1))
        let repair = LogRepair(beside: target, lock: lock, logger: options.logger)
        let checkpoint = Checkpoint(
            target, lock: lock, mover: try Self.connect(path, "checkpoint.move", options),
            gate: Self.gate(target, options), reserve: reserve, repair: repair, logger: options.logger,
            lanes: options.lanes)
        self.checkpoint = checkpoint
        transactions = Writer(
            writer, gate: Self.gate(target, options),
            log: options.durability == .full ? try writer.runBlocking { try LogFile(of: $0, path, repair) } : nil,
            schema: schema, reserve: reserve, busyTimeout: options.busyTimeout, logger: options.logger,
            lanes: options.lanes
        ) { wakesWorkers, isDiskFull in
            if wakesWorkers { signals.send() }
            checkpoint.startIfNeeded(isDiskFull: isDiskFull)
        }
        watch = LogWatch(target.target + "-wal", reader: reader, signals: signals, logger: options.logger)
        writer.runBlocking { checkpoint.observe($0) }
    }

    private static func gate(_ file: DatabaseFile, _ options: Options) -> WriteGate? {
        guard options.waiting == .gate else { return nil }
        do {
            return try WriteGate(beside: file.target)
        } catch {
            options.logger.warning(
                "writes of this process do not wait in line, and may take turns from others or get none",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    var writer: Connection { transactions.connection }

    /// A connection of its own, for work that takes long: the shared ones must stay free for workers.
    func connection(for purpose: String) throws -> Connection {
        try Self.connect(path, purpose, options, readOnly: true)
    }

    static func connect(
        _ path: String, _ purpose: String, _ options: Options, durability: Durability? = nil, readOnly: Bool = false,
        busyTimeout: Duration? = nil
    ) throws -> Connection {
        try Connection(
            path, purpose: purpose, durability: durability ?? options.durability,
            busyTimeout: busyTimeout ?? options.busyTimeout,
            readOnly: readOnly, waitsAsSQLite: options.waiting == .busyTimeout && busyTimeout == nil,
            lanes: options.lanes)
    }

    private static func build(_ temporary: String, _ options: Options) throws {
        let connection = try connect(temporary, "create", options)
        try install(on: connection, options, mayInstall: true)
        #if STINT_MUTATIONS
            try connection.runBlocking(RemovedGuard.unguard)
        #endif
        try translatingErrors(of: temporary) { try connection.database.close() }
    }

    static func install(on connection: Connection, _ options: Options, mayInstall: Bool) throws {
        try connection.runBlocking { database in
            try Schema(file: connection.file, mayInstall: mayInstall, migrations: options.migrations).prepare(database)
            let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
            guard mode == "wal" else {
                throw StintError(
                    .databaseUnusable,
                    "the database \(quoted(connection.file)) cannot use a write-ahead log (its journal mode stays "
                        + "\(quoted(mode ?? "unknown"))): put it on a local disk")
            }
        }
    }

    // MARK: - Transactions

    /// A write transaction, perhaps shared with other callers of this process.
    ///
    /// - Parameters:
    ///   - weight: About how many jobs it touches.
    ///   - urgency: Whether it must get through on a full disk.
    ///   - isDurable: Whether the answer waits until it would survive a power cut.
    func write<Value: Sendable>(
        now: Moment, weight: Int = 1, urgency: Urgency = .goesOn, isDurable: Bool = true,
        _ body: @escaping @Sendable (JobTransaction) throws -> Value
    ) async throws -> Value {
        try await transactions.write(now: now, weight: weight, urgency: urgency) { transaction in
            (value: try body(transaction), revokes: transaction.revokes)
        } afterwards: { [revocations] result, _ in
            if result.revokes { revocations.change() }
            return result.value
        } isEmpty: { _ in
            !isDurable
        }
    }

    /// One short read transaction: all of `body` sees the same state.
    func read<Value: Sendable>(
        now: Moment = SystemClock().now(), _ body: @escaping @Sendable (JobTransaction) throws -> Value
    ) async throws -> Value {
        try await reader.run { [schema] database in
            var value: Value?
            try database.inTransaction(.deferred) {
                try schema.check(database)
                value = try body(JobTransaction(database, now: now))
                return .commit
            }
            return value!
        }
    }
}

extension StoreSource where Store == SQLiteStore {
    /// A database file, made where there is none. It may be the application's own: Stint's tables are named `stint_…`.
    ///
    /// - Parameter durability: What an enqueue that returned survives; see ``Durability``.
    public static func sqlite(_ path: String, durability: Durability = .full) -> StoreSource {
        sqlite(path, options: SQLiteStore.Options(durability: durability))
    }

    public static func sqlite(_ path: String, options: SQLiteStore.Options) -> StoreSource {
        StoreSource {
            // Opening blocks: it reads the disk, may wait for a lock and may migrate.
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue(label: "stint.open").async {
                    continuation.resume(with: Result { try SQLiteStore(path: path, options: options) })
                }
            }
        }
    }
}
