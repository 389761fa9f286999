import GRDB
import StintCore

extension StintError {
    /// Turns an error of SQLite into one that says what to do. The result codes are those of
    /// https://sqlite.org/rescode.html.
    init(_ error: DatabaseError, file: String) {
        let said = error.message ?? "result code \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            let holder = LockHolders(of: DatabaseFile(path: file).target).writer
            self.init(
                .databaseBusy,
                "the database \(quoted(file)) stayed locked by \(holder ?? "another process"): see why it holds a "
                    + "transaction open, or try again")
        case .SQLITE_FULL:
            self.init(
                .storageFailed,
                "the disk or the page limit of the database \(quoted(file)) is full; nothing was changed: free some space and "
                    + "try again")
        case .SQLITE_IOERR:
            self.init(
                .storageFailed,
                "the disk failed under the database \(quoted(file)) (\(said)); nothing was changed: look into the system's log"
            )
        case .SQLITE_NOTADB:
            self.init(
                .databaseUnusable,
                "\(quoted(file)) is not an SQLite database: name the right file, or another one that does not exist yet"
            )
        case .SQLITE_CORRUPT:
            self.init(
                .databaseUnusable,
                "the database \(quoted(file)) is corrupt (\(said)): put a backup in its place with `stint restore`, or rescue what "
                    + "can be read with `sqlite3 FILE .dump`")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(
                .databaseUnusable,
                "the database \(quoted(file)) cannot be opened for writing (\(said)): its folder and the file, with -wal and "
                    + "-shm beside it, must be writable")
        default:
            self.init(.storageFailed, "SQLite failed on \(quoted(file)): \(said)")
        }
    }
}

/// Runs `body` and turns SQLite's errors into Stint's.
func translatingErrors<Value>(of file: String, _ body: () throws -> Value) rethrows -> Value {
    do { return try body() } catch { throw translated(error, of: file) }
}

/// Returns a ``StintError`` if the error is one of SQLite's, else the error itself.
func translated(_ error: any Error, of file: String) -> any Error {
    (error as? DatabaseError).map { StintError($0, file: file) } ?? error
}
