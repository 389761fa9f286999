import Foundation
import GRDB
import GRDBSQLite
import StintCore
import StintPlatform
import Synchronization

/// Keeps jobs in one SQLite file, shared by any number of processes on one machine.
///
/// A process needs one value of this type for each file. It holds four connections: one that writes, one that reads,
/// and two for checkpoints. A fifth only reads the file's bytes. It opens more when they are needed: one that watches
/// for commits, and up to three for reads that may take long. They are closed by ``close()``, or when the last
/// reference is released.
public final class SQLiteStore: JobStore {
    /// The absolute path.
    public let path: String
    let file: DatabaseFile
    let options: Options
    let access: DatabaseFile.Access
    let runLock = ExclusiveRunLock()
    let unheldLooks = RareLook(every: .seconds(60))
    let groupSweep = GroupSweep()
    let indexSweep = IndexSweep()
    let signals: WakeUpSignals
    let lifecycle: Mutex<Lifecycle>
    /// Of a process that moves jobs: its ``StintCore/MoveID/run``.
    let moverRuns = Mutex<[MoveDirection: String]>([:])

    /// Opens the file, and creates or migrates it if needed. Blocks; ``StoreSource/sqlite(_:options:)`` does not.
    ///
    /// - Throws: ``StintError`` with the code `databaseUnusable`: a missing or read-only folder, an empty, foreign or
    ///   corrupt file, a newer schema. Nothing was written then.
    public init(path: String, options: Options = Options()) throws {
        guard sqlite3_libversion_number() >= 3_037_000 else {
            throw StintError(
                .databaseUnusable,
                "SQLite \(String(cString: sqlite3_libversion())) is too old: Stint needs 3.37 or later (STRICT tables)")
        }
        access = try Self.findOrMakeFile(DatabaseFile(path: path), options)
        self.path = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        let file = DatabaseFile(path: self.path)
        self.file = file
        self.options = options
        signals = WakeUpSignals(clock: options.clock)
        lifecycle = Mutex(Lifecycle(open: try Self.open(file, path, options, access, signals)))
    }

    private static func open(
        _ file: DatabaseFile, _ path: String, _ options: Options, _ access: DatabaseFile.Access,
        _ signals: WakeUpSignals
    ) throws -> OpenFile {
        let payloadLoader = PayloadLoader(clock: options.clock, logger: options.logger)
        let scoreboards = Scoreboards(beside: file.target, clock: options.clock)
        let revocations = RevocationFile(beside: file.target, logger: options.logger)
        let identity = FileIdentity(of: file.path)
        try WALOrigin(file: file).check()
        let schema = Schema(file: path, mayInstall: true, migrations: options.migrations)
        guard access == .full else {
            let reader = try connect(file, path, "reader", options, readOnly: true, access: access)
            try reader.runBlocking { try schema.checkCurrent($0) }
            let fileWatch = try FileWatch(file, openedAs: identity, connection: nil)
            let schema = SchemaWatch(schema, fileWatch)
            let later = connectLater(file, path, options, access, fileWatch)
            return OpenFile(
                transactions: Writer(reading: reader, schema, file.mayOnlyBeRead, options), reader: reader,
                longReaders: ReaderPool(options.executors) { try later("reader.long") }, checkpoint: nil,
                schema: schema, fileWatch: fileWatch, payloadLoader: payloadLoader, scoreboards: scoreboards,
                revocations: revocations,
                watch: monitor(file, options, signals, fileWatch, later))
        }
        let writer = try openOutOfReserve(file, path, options)
        let fileWatch = try FileWatch(file, openedAs: identity, connection: writer)
        let reserve = Self.reserve(DatabaseFile(path: path), options)
        let schemaWatch = SchemaWatch(schema, fileWatch)
        let reader = try connect(file, path, "reader", options, readOnly: true)
        // Long enough to open the file while another process closes it, and short for a checkpoint, which can come
        // later.
        let lock = try connect(file, path, "checkpoint", options, busyTimeout: .seconds(1))
        let locks = Self.locks(file, options)
        // Locks of one object do not exclude each other. If the file cannot be used, that is reported once.
        let writersLocks = locks != nil && options.waiting == .gate ? Self.locks(file, options) : nil
        let repair = WALRecovery(locks, lock: lock, logger: options.logger)
        let checkpoint = Checkpointer(
            file, lock: lock, mover: try connect(file, path, "checkpoint.move", options),
            locks: locks, isGated: options.waiting == .gate, reserve: reserve, repair: repair, logger: options.logger,
            executors: options.executors)
        let transactions = Writer(
            writer, gate: writersLocks.map(WriteGate.init),
            log: options.durability == .full ? try writer.runBlocking { try WALSync(of: $0, path, repair) } : nil,
            schema: schemaWatch, reserve: reserve, busyTimeout: options.busyTimeout, logger: options.logger,
            executors: options.executors, clock: options.clock, marksFile: options.marksFile
        ) { wakesWorkers, isDiskFull in
            if wakesWorkers { signals.send() }
            checkpoint.startIfNeeded(isDiskFull: isDiskFull)
            return checkpoint.logHasRestarted()
        }
        let later = connectLater(file, path, options, .full, fileWatch)
        let open = OpenFile(
            transactions: transactions, reader: reader,
            longReaders: ReaderPool(options.executors) { try later("reader.long") }, checkpoint: checkpoint,
            schema: schemaWatch, fileWatch: fileWatch, payloadLoader: payloadLoader, scoreboards: scoreboards,
            revocations: revocations,
            watch: monitor(file, options, signals, fileWatch, later))
        writer.runBlocking { checkpoint.observe($0) }
        try fileWatch.check()
        return open
    }

    private static func monitor(
        _ file: DatabaseFile, _ options: Options, _ signals: WakeUpSignals, _ fileWatch: FileWatch,
        _ connectLater: @escaping @Sendable (_ purpose: String) throws -> Connection
    ) -> WALMonitor {
        WALMonitor(
            file.log, signals: signals, logger: options.logger, safetyInterval: options.safetyLookInterval,
            checkStillThere: fileWatch.check, connect: { try connectLater("watch") })
    }

    private static func locks(_ file: DatabaseFile, _ options: Options) -> DatabaseLocks? {
        do {
            return try DatabaseLocks(beside: file.target)
        } catch {
            options.logger.warning(
                "this process shares no locks with others: its writes do not wait in line and may take turns from others, or get none; checkpoints are not shared out; and other processes do not see that a sync of the log has failed here",
                metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// Its own time; see ``JobStore``.
    var clock: any QueueClock { options.clock }

    /// When a verb was called, by the clock's monotonic time, if a simulated world has waited for the lock itself.
    @TaskLocal package static var calledAt: Int64?

    /// Runs `body` on a connection and a thread of its own, for work that takes long. The shared connections must stay
    /// free for workers, and none of Swift's cooperative threads may block.
    func onOwnConnection<Value: Sendable>(
        _ purpose: String, _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws -> Value {
        let open = try beginCall()
        defer { endCall() }
        return try await options.executors("stint.\(purpose)", .unspecified).run { [self] in
            try open.fileWatch.check()
            let connection = try Self.connect(file, path, purpose, options, readOnly: true, access: access)
            return try connection.runBlocking(body)
        }
    }

    /// For connections that are opened when they are needed. The file must still be the one that was opened, because
    /// SQLite would otherwise create an empty one in its place.
    private static func connectLater(
        _ file: DatabaseFile, _ name: String, _ options: Options, _ access: DatabaseFile.Access, _ watch: FileWatch
    ) -> @Sendable (_ purpose: String) throws -> Connection {
        { purpose in
            try watch.check()
            return try connect(file, name, purpose, options, readOnly: true, access: access)
        }
    }

    /// - Parameter name: The name of the file in errors.
    static func connect(
        _ file: DatabaseFile, _ name: String, _ purpose: String, _ options: Options, durability: Durability? = nil,
        readOnly: Bool = false, access: DatabaseFile.Access = .full, busyTimeout: Duration? = nil
    ) throws -> Connection {
        try Connection(
            name, opening: file.target, purpose: purpose, durability: durability ?? options.durability,
            busyTimeout: busyTimeout ?? options.busyTimeout, readOnly: readOnly, access: access,
            waitsAsSQLite: options.waiting == .busyTimeout && busyTimeout == nil, executors: options.executors)
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

    /// Runs a write transaction, perhaps shared with other callers of this process.
    ///
    /// - Parameters:
    ///   - weight: The approximate number of jobs that it touches.
    ///   - diskFull: Whether it must succeed on a full disk.
    ///   - fence: What refuses it while the database is moved, and after that.
    func write<Value: Sendable>(
        weight: Int = 1, diskFull: DiskFullPolicy = .useSpareReserve, fence: MoveFence = .change,
        _ body: @escaping @Sendable (JobTransaction) throws -> Value
    ) async throws -> Value {
        let open = try beginCall()
        defer { endCall() }
        return try await open.transactions.write(
            writeCall(open, weight: weight, diskFull: diskFull, fence: fence, body))
    }

    func writeCall<Value: Sendable>(
        _ open: OpenFile, weight: Int, diskFull: DiskFullPolicy, fence: MoveFence,
        _ body: @escaping @Sendable (JobTransaction) throws -> Value
    ) -> WriteCall<(value: Value, revokes: Bool), Value> {
        WriteCall(weight: weight, diskFull: diskFull) { [self] transaction in
            try check(fence, transaction)
            return (value: try body(transaction), revokes: transaction.revokes)
        } afterwards: { [revocations = open.revocations] result, _ in
            if result.revokes { revocations.change() }
            return result.value
        }
    }

    /// A short read transaction for a worker's look: all of `body` sees the same state.
    func look<Value: Sendable>(
        _ body: @escaping @Sendable (JobTransaction) throws -> Value
    ) async throws -> Value {
        let open = try beginCall()
        defer { endCall() }
        return try await open.reader.run { [schema = open.schema, clock] in try Self.read($0, schema, clock, body) }
    }

    /// The same for people's queries, which may take longer: no look waits for it.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (JobTransaction) throws -> Value
    ) async throws -> Value {
        let open = try beginCall()
        defer { endCall() }
        return try await open.longReaders.run { [schema = open.schema, clock] in try Self.read($0, schema, clock, body)
        }
    }

    static func read<Value>(
        _ database: Database, _ schema: SchemaWatch, _ clock: any QueueClock, _ body: (JobTransaction) throws -> Value
    ) throws -> Value {
        // Not GRDB's own transaction, which parses its SQL each time.
        try Statement("BEGIN", database).execute()
        do {
            try schema.check(database)
            let value = try body(JobTransaction(database, clock))
            try Statement("COMMIT", database).execute()
            return value
        } catch {
            // SQLite has rolled it back already after some errors.
            if database.isInsideTransaction { try Statement("ROLLBACK", database).execute() }
            throw error
        }
    }
}

extension StoreSource where Store == SQLiteStore {
    /// A database file, created if it does not exist. It may be the application's own: Stint's tables are named
    /// `stint_…`.
    ///
    /// - Parameter durability: What an enqueue that returned survives; see ``Durability``.
    public static func sqlite(_ path: String, durability: Durability = .full) -> StoreSource {
        sqlite(path, options: SQLiteStore.Options(durability: durability))
    }

    public static func sqlite(_ path: String, options: SQLiteStore.Options) -> StoreSource {
        StoreSource {
            // Opening blocks: it reads the disk, may wait for a lock and may migrate.
            try await options.executors("stint.open", .unspecified).run {
                let identity = FileIdentity(of: path)
                do {
                    return try SQLiteStore(path: path, options: options)
                } catch let error as StintError where error.code == .storageFailed && FileIdentity(of: path) != identity
                {
                    // SQLite calls it a failing disk when its files change their names meanwhile.
                    throw DatabaseFile(path: path).unusable(
                        "was replaced by another file while it was opened: try again")
                }
            }
        }
    }
}
