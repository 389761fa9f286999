import GRDB
import GRDBSQLite
import StintCore

/// The write-ahead log of a connection, to make it durable without the write lock.
///
/// SQLite with `synchronous=FULL` syncs the log while it holds the write lock, and all other processes wait for the disk.
/// The writer commits with `NORMAL` instead, which only appends to the log, lets the next one in, and then syncs the log
/// before it answers. The log is a sequence, and a sync takes all before it along, so whoever builds on a transaction that
/// is not durable yet makes it durable with its own. A checkpoint syncs the log first, whichever the setting.
///
/// `@unchecked Sendable`: SQLite opens the file with the connection and closes it with it, and syncing it is a system call
/// that any thread may make meanwhile.
struct LogFile: @unchecked Sendable {
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let database: String

    init(of connection: Database, _ database: String) throws {
        // SQLite opens it with the first transaction.
        try connection.inTransaction(.deferred) {
            _ = try Int.fetchOne(connection, sql: "SELECT count(*) FROM sqlite_schema")
            return .commit
        }
        var pointer: UnsafeMutablePointer<sqlite3_file>?
        let code = sqlite3_file_control(
            connection.sqliteConnection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &pointer)
        guard code == SQLITE_OK, let pointer, pointer.pointee.pMethods != nil else {
            throw StintError(.databaseUnusable, "the write-ahead log of the database \(quoted(database)) is not open")
        }
        file = pointer
        self.database = database
    }

    /// All that was committed is on disk when this returns.
    ///
    /// - Throws: ``StintError`` with the code `outcomeUnknown`.
    func sync() throws {
        #if STINT_MUTATIONS
            if RemovedGuard.sync.isRemoved { return }
        #endif
        // As SQLite itself does it for FULL; through its file, so that a VFS of the application's own sees it too.
        let code = file.pointee.pMethods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
        guard code == SQLITE_OK else {
            throw StintError(
                .outcomeUnknown,
                "the disk failed under the log of the database \(quoted(database)) (result code \(code)): the change is made, "
                    + "and may be undone by a power cut; look into the system's log")
        }
    }
}
