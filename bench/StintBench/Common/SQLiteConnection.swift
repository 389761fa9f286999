import GRDBSQLite

/// A connection as a program that knows SQLite uses it: with its C interface, and statements prepared once. The naive
/// designs use it, so that they do not pay for a library's overhead.
final class SQLiteConnection {
    private let handle: OpaquePointer
    private var statements: [OpaquePointer] = []

    /// The same for every design: Stint's own settings, without its checkpoints of the log.
    static func pragmas(_ durability: SyncMode) -> [String] {
        [
            "PRAGMA synchronous = \(durability.rawValue.uppercased())",
            "PRAGMA secure_delete = OFF",
            "PRAGMA mmap_size = 0",
            "PRAGMA cache_size = -8192",
            "PRAGMA temp_store = MEMORY",
            "PRAGMA journal_size_limit = 16777216",
        ]
    }

    /// - Parameter busyTimeout: Milliseconds that SQLite itself waits for a lock; 0: it reports at once that it is
    ///   locked.
    init(_ path: String, durability: SyncMode, busyTimeout: Int32 = 0) throws {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &opened, flags, nil)
        guard code == SQLITE_OK, let opened else { throw SQLiteFailure(code, "open \(path)", opened) }
        handle = opened
        sqlite3_busy_timeout(handle, busyTimeout)
        for pragma in Self.pragmas(durability) { try execute(pragma) }
    }

    deinit {
        for statement in statements { sqlite3_finalize(statement) }
        sqlite3_close(handle)
    }

    func execute(_ sql: String) throws {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw SQLiteFailure(code, sql, handle) }
    }

    /// For what SQLite refuses at once without waiting: a change of the journal while another connection of this
    /// process is being closed.
    func executeWhenFree(_ sql: String) throws {
        let deadline = MonotonicClock.nanoseconds() + 5_000_000_000
        while true {
            do {
                return try execute(sql)
            } catch let failure as SQLiteFailure where failure.isLocked && MonotonicClock.nanoseconds() < deadline {
                MonotonicClock.sleep(microseconds: 5_000)
            }
        }
    }

    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }

    func prepare(_ sql: String) throws -> PreparedStatement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw SQLiteFailure(code, sql, handle) }
        statements.append(statement)
        return PreparedStatement(statement: statement, connection: handle, sql: sql)
    }

    /// All integers of a query's first column.
    func integers(_ sql: String) throws -> [Int64] {
        let statement = try prepare(sql)
        var values: [Int64] = []
        try statement.forEachRow { values.append(sqlite3_column_int64($0, 0)) }
        return values
    }

    func integer(_ sql: String) throws -> Int64 {
        guard let value = try integers(sql).first else { throw BenchError("the query found nothing: \(sql)") }
        return value
    }

    func text(_ sql: String) throws -> String {
        var value: String?
        try prepare(sql).forEachRow { row in value = value ?? sqlite3_column_text(row, 0).map { String(cString: $0) } }
        guard let value else { throw BenchError("the query found nothing: \(sql)") }
        return value
    }
}

/// A statement of one connection; it does not outlive it.
struct PreparedStatement {
    fileprivate let statement: OpaquePointer
    fileprivate let connection: OpaquePointer
    fileprivate let sql: String

    /// Runs it with an integer as its parameter, if it has one.
    func run(_ value: Int64? = nil) throws {
        if let value { sqlite3_bind_int64(statement, 1, value) }
        try forEachRow { _ in }
    }

    /// Runs it with bytes as its parameter.
    func run(_ bytes: [UInt8]) throws {
        // SQLITE_TRANSIENT: SQLite copies.
        sqlite3_bind_blob(statement, 1, bytes, Int32(bytes.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
        try forEachRow { _ in }
    }

    /// The id in column 0 and the payload in column 1 of the one row it finds.
    func job() throws -> (id: Int64, payload: [UInt8])? {
        var job: (Int64, [UInt8])?
        try forEachRow { row in
            let count = Int(sqlite3_column_bytes(row, 1))
            let start = sqlite3_column_blob(row, 1)
            job = (sqlite3_column_int64(row, 0), [UInt8](UnsafeRawBufferPointer(start: start, count: count)))
        }
        return job
    }

    fileprivate func forEachRow(_ body: (OpaquePointer) -> Void) throws {
        defer { sqlite3_reset(statement) }
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: body(statement)
            case SQLITE_DONE: return
            case let code: throw SQLiteFailure(code, sql, connection)
            }
        }
    }
}

struct SQLiteFailure: Error, CustomStringConvertible {
    let code: Int32
    let description: String

    init(_ code: Int32, _ sql: String, _ connection: OpaquePointer?) {
        self.code = code
        let said = connection.map { String(cString: sqlite3_errmsg($0)) } ?? "no connection"
        description = "SQLite refused '\(sql)': \(said) (code \(code))"
    }

    /// "database is locked".
    var isLocked: Bool { code & 0xff == SQLITE_BUSY || code & 0xff == SQLITE_LOCKED }
}
