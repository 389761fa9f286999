import Dispatch
import GRDB
import GRDBSQLite
import StintCore

/// One SQLite connection with a thread of its own. SQLite's calls block, and a blocking call must not hold one of
/// Swift's cooperative threads. A cancelled task does not stop a transaction half-way, unlike with GRDB's own
/// asynchronous methods.
struct Connection: Sendable {
    let file: String
    let database: DatabaseQueue
    let busyWait: BusyWait
    private let thread: BlockingExecutor

    /// - Parameters:
    ///   - file: The name of the file in errors; `path` is the file without symbolic links.
    ///   - readOnly: Whether to refuse every change.
    ///   - access: Whether the file may be written to.
    ///   - waitsAsSQLite: Whether to wait for locks with SQLite's own busy handler; for comparison.
    init(
        _ file: String, opening path: String, purpose: String, durability: Durability, busyTimeout: Duration,
        readOnly: Bool = false,
        access: DatabaseFile.Access = .full, waitsAsSQLite: Bool = false,
        executors: BlockingExecutor.Maker = BlockingExecutor.threads
    ) throws {
        self.file = file
        thread = executors("stint.\(purpose)", .unspecified)
        busyWait = BusyWait(timeout: busyTimeout)
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false  // the schema has none
        configuration.busyMode =
            waitsAsSQLite
            ? .timeout(Double(busyTimeout.milliseconds) / 1_000) : .callback(busyWait.wait)
        configuration.prepareDatabase { database in
            try SQLiteStore.applySettings(database, durability: durability)
            if readOnly { try database.execute(sql: "PRAGMA query_only = ON") }
        }
        configuration.readonly = access != .full
        let name = access.name(of: path)
        database = try translatingErrors(of: file) { try DatabaseQueue(path: name, configuration: configuration) }
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await thread.run { try runBlocking(body) }
    }

    /// Frees the pages and the schema that it has read; its next statement reads them again. Only a reset frees a schema
    /// (https://www.sqlite.org/pragma.html#pragma_writable_schema); it changes nothing else.
    func freeMemory() async throws {
        try await run { try $0.execute(sql: "PRAGMA shrink_memory; PRAGMA writable_schema = RESET") }
    }

    /// Keeps the connection open as long as this process lives.
    func keepOpen() {
        _ = Unmanaged.passRetained(database)
    }

    /// Closes it when what runs on it has ended. Nothing may be run on it afterwards.
    func close() async {
        await withCheckedContinuation { continuation in
            thread.async {
                // A statement that GRDB did not finalise would keep it from closing. Then it closes with the last
                // reference.
                do { try database.close() } catch { assertionFailure("\(file): \(error)") }
                continuation.resume()
            }
        }
    }

    func runBlocking<Value>(_ body: (Database) throws -> Value) rethrows -> Value {
        try database.writeWithoutTransaction { database in
            try translatingErrors(of: file) { try body(database) }
        }
    }
}

extension SQLiteStore {
    /// Sets up a connection like Stint's own. Call it in your `Configuration.prepareDatabase` for connections to the
    /// same file. Most important, SQLite's automatic checkpoints must be off in every process that writes, because in
    /// most released versions of SQLite they can lose a commit (https://sqlite.org/wal.html, section 11).
    ///
    /// It also makes the connection wait up to 30 s for another process's write lock. GRDB's default is to fail at
    /// once.
    public static func prepareConnection(_ database: Database, durability: Durability = .full) throws {
        sqlite3_busy_timeout(database.sqliteConnection, 30_000)
        try applySettings(database, durability: durability)
    }

    static func applySettings(_ database: Database, durability: Durability) throws {
        switch durability {
        case .full: try database.execute(sql: "PRAGMA synchronous = FULL")
        case .normal: try database.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        // Stint makes its own checkpoints, in the one way that no version of SQLite gets wrong; see Checkpointer.swift.
        try database.execute(sql: "PRAGMA wal_autocheckpoint = 0")
        // After a checkpoint the log starts again. What a burst left beyond this size is given back to the file system.
        try database.execute(sql: "PRAGMA journal_size_limit = 16777216")
        // Debian builds SQLite with SECURE_DELETE, which writes zeros over all deleted data: twice the writes.
        try database.execute(sql: "PRAGMA secure_delete = OFF")
        // An I/O error in a mapped file is a SIGBUS and not an error.
        try database.execute(sql: "PRAGMA mmap_size = 0")
        // 8 MiB: a batch of 64 jobs of 50 kB fits without spilling. The default is 2 MiB.
        try database.execute(sql: "PRAGMA cache_size = -8192")
        try database.execute(sql: "PRAGMA temp_store = MEMORY")
    }
}
