import GRDB
import GRDBSQLite
import StintCore

/// Makes the write-ahead log of a connection durable without the write lock.
///
/// SQLite with `synchronous=FULL` syncs the log while it holds the write lock, and all other processes wait for the
/// disk. The writer commits with `NORMAL` instead, which only appends to the log, lets the next one in, and then syncs
/// the log before it answers. The log is a sequence, and a sync includes everything before it. So a transaction that
/// builds on one that is not durable yet makes that one durable with its own sync. A checkpoint syncs the log first,
/// whatever the setting. After a sync that failed this no longer holds, until the log is repaired: see ``WALRecovery``.
///
/// `@unchecked Sendable`: SQLite opens the file with the connection and closes it with it, and syncing it is a system
/// call that any thread may make meanwhile.
struct WALSync: @unchecked Sendable {
    private let file: UnsafeMutablePointer<sqlite3_file>
    private let database: String
    private let repair: WALRecovery

    init(of connection: Database, _ database: String, _ repair: WALRecovery) throws {
        // SQLite opens it with the first transaction.
        try connection.inTransaction(.deferred) {
            _ = try Int.fetchOne(connection, sql: "SELECT count(*) FROM sqlite_schema")
            return .commit
        }
        file = try Self.file(of: connection)
        self.database = database
        self.repair = repair
    }

    /// SQLite's own file, from a connection that has had a transaction.
    static func file(of connection: Database) throws -> UnsafeMutablePointer<sqlite3_file> {
        var pointer: UnsafeMutablePointer<sqlite3_file>?
        let code = sqlite3_file_control(
            connection.sqliteConnection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &pointer)
        guard code == SQLITE_OK, let pointer, pointer.pointee.pMethods != nil else {
            throw StintError(.databaseUnusable, "the write-ahead log of the database is not open")
        }
        return pointer
    }

    /// All that was committed is on disk when this returns.
    ///
    /// - Throws: ``StintError`` with the code `outcomeUnknown`.
    func sync() throws {
        #if STINT_MUTATIONS
            if RemovedGuard.sync.isRemoved { return }
        #endif
        // As SQLite itself does it for FULL, and through its file, so that a VFS of the application's own sees it too.
        let code = file.pointee.pMethods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
        if code == SQLITE_OK && !repair.isInDoubt { return }
        do {
            try repair.mend()
        } catch {
            repair.doubt()
            throw StintError(
                .outcomeUnknown,
                "the disk failed under the log of the database \(quoted(database)) (result code \(code), then: \(error)): the "
                    + "change is made, and may be undone by a power cut; look into the system's log")
        }
    }
}
