import GRDB
import GRDBSQLite

/// One of GRDB's cached statements, bound and stepped through SQLite's C interface: on the hot path GRDB's own
/// interface costs a third of the throughput (docs/benchmarks.md).
///
/// It must be used only on the connection's thread, within one transaction, and never nested with itself.
struct Statement {
    private let cached: GRDB.Statement
    private let database: Database
    private let handle: OpaquePointer

    init(_ sql: String, _ database: Database) throws {
        #if STINT_MUTATIONS
            let sql = RemovedGuard.rewritten(sql)
        #endif
        cached = try database.cachedStatement(sql: sql)
        handle = cached.sqliteStatement
        self.database = database
    }

    // MARK: - Binding, with indexes from 1 as in SQL

    func bind(_ index: Int32, _ value: Int64) {
        sqlite3_bind_int64(handle, index, value)
    }

    func bind(_ index: Int32, _ value: Int64?) {
        if let value { bind(index, value) } else { sqlite3_bind_null(handle, index) }
    }

    func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 { bytes in
            // SQLite copies, because the bytes are valid only during this call.
            let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            let start = UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self)
            if let start {
                sqlite3_bind_text(handle, index, start, Int32(bytes.count), copied)
            } else {
                sqlite3_bind_text(handle, index, "", 0, copied)
            }
        }
    }

    func bind(_ index: Int32, _ text: String?) {
        if let text { bind(index, text) } else { sqlite3_bind_null(handle, index) }
    }

    /// Binds without copying: the bytes must stay valid until the statement was executed.
    func bind(_ index: Int32, uncopied bytes: UnsafeRawBufferPointer) {
        if let start = bytes.baseAddress, bytes.count > 0 {
            sqlite3_bind_blob(handle, index, start, Int32(bytes.count), nil)
        } else {
            // A null pointer would bind NULL instead of the empty blob.
            sqlite3_bind_zeroblob(handle, index, 0)
        }
    }

    /// The same for text.
    func bind(_ index: Int32, uncopied text: UnsafeBufferPointer<UInt8>) {
        guard let start = UnsafeRawPointer(text.baseAddress)?.assumingMemoryBound(to: CChar.self) else {
            return bind(index, "")
        }
        sqlite3_bind_text(handle, index, start, Int32(text.count), nil)
    }

    // MARK: - Running

    /// Runs a statement that returns no rows.
    func execute() throws {
        defer { sqlite3_reset(handle) }
        while try step() {}
    }

    @inline(__always)
    func execute(_ values: Int64...) throws {
        bindAll(values)
        try execute()
    }

    /// Runs a statement and returns how many rows it changed.
    @inline(__always)
    func changes(_ values: Int64...) throws -> Int {
        bindAll(values)
        try execute()
        return Int(sqlite3_changes(database.sqliteConnection))
    }

    /// Runs an `INSERT` and returns the row's id.
    func insertedID() throws -> Int64 {
        try execute()
        return sqlite3_last_insert_rowid(database.sqliteConnection)
    }

    /// Reads the first row, if there is one.
    func first<Value>(_ values: Int64..., read: (Row) throws -> Value) throws -> Value? {
        bindAll(values)
        defer { sqlite3_reset(handle) }
        return try step() ? try read(Row(handle: handle)) : nil
    }

    /// Reads all rows, or until `read` returns `nil`.
    func rows<Value>(_ values: Int64..., read: (Row) throws -> Value?) throws -> [Value] {
        bindAll(values)
        defer { sqlite3_reset(handle) }
        var result: [Value] = []
        while try step() {
            guard let value = try read(Row(handle: handle)) else { break }
            result.append(value)
        }
        return result
    }

    // Inlined, so that the list of values needs no memory of its own.
    @inline(__always)
    private func bindAll(_ values: [Int64]) {
        for (index, value) in values.enumerated() { bind(Int32(index + 1), value) }
    }

    private func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code),
                message: String(cString: sqlite3_errmsg(database.sqliteConnection)),
                sql: cached.sql)
        }
    }

    /// The current row; valid only within the closure that got it. Columns count from 0.
    struct Row {
        fileprivate let handle: OpaquePointer

        func int(_ column: Int32) -> Int64 {
            sqlite3_column_int64(handle, column)
        }

        /// A number of attempts or crashes. Another program may have written an absurd one, and adding one must not
        /// overflow.
        func tally(_ column: Int32) -> Int64 {
            min(max(0, int(column)), Int64(Int32.max))
        }

        func isNull(_ column: Int32) -> Bool {
            sqlite3_column_type(handle, column) == SQLITE_NULL
        }

        func isInteger(_ column: Int32) -> Bool {
            sqlite3_column_type(handle, column) == SQLITE_INTEGER
        }

        func optionalInt(_ column: Int32) -> Int64? {
            isNull(column) ? nil : int(column)
        }

        /// The length of its text or blob.
        func byteCount(_ column: Int32) -> Int {
            Int(sqlite3_column_bytes(handle, column))
        }

        func text(_ column: Int32) -> String {
            guard let start = sqlite3_column_text(handle, column) else { return "" }
            let count = Int(sqlite3_column_bytes(handle, column))
            return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
        }

        /// The bytes of a text, without a copy.
        func withText<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
            guard let start = sqlite3_column_text(handle, column) else {
                return body(UnsafeRawBufferPointer(start: nil, count: 0))
            }
            return body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
        }

        /// The bytes of a blob, without a copy.
        func withBlob<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Value) -> Value {
            let start = sqlite3_column_blob(handle, column)
            return body(
                UnsafeRawBufferPointer(
                    start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(handle, column))))
        }

        /// The bytes of a text, without a copy; valid only within the closure.
        func withUTF8<Value>(_ column: Int32, _ read: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
            let start = sqlite3_column_text(handle, column)
            return read(UnsafeBufferPointer(start: start, count: start == nil ? 0 : byteCount(column)))
        }

        func optionalText(_ column: Int32) -> String? {
            isNull(column) ? nil : text(column)
        }

        func bytes(_ column: Int32) -> [UInt8] {
            guard let start = sqlite3_column_blob(handle, column) else { return [] }
            return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
        }
    }
}
