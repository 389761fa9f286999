import Foundation
import GRDB
import GRDBSQLite
import StintCore
import StintPlatform

/// Notices that a database was written over in place, as `cp backup.db stint.db` does: the file is still the same one,
/// but its contents are not. As long as a process has it open, only checkpoints write to it. So its bytes are read when
/// the file has changed: it must still be a database, of the same ``FileMark/file``, and its mark must not go back.
///
/// A copy that another program has made of this very file after its last checkpoint cannot be told from it.
///
/// `@unchecked Sendable`: the lock guards all of it.
final class FileContents: @unchecked Sendable {
    private let lock = NSLock()
    private var connection: OpaquePointer?
    private let bytes: UnsafeMutablePointer<sqlite3_file>
    private let pageSize: Int
    private let page: Int
    private let file: [UInt8]
    private var sequence: Int64 = 0
    private var seen = stat()

    /// `nil` if the database has no mark.
    init?(_ file: DatabaseFile, _ database: Database) throws {
        guard try database.tableExists("stint_file"),
            let page = try Int.fetchOne(database, sql: "SELECT rootpage FROM sqlite_schema WHERE name = 'stint_file'"),
            let own = try Data.fetchOne(database, sql: "SELECT file FROM stint_file"),
            let pageSize = try Int.fetchOne(database, sql: "PRAGMA page_size")
        else { return nil }
        (self.page, self.pageSize, self.file) = (page, pageSize, Array(own))
        // It never begins a transaction, so it takes no locks, and it reads the file without the log.
        var pointer: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_open_v2(file.target, &connection, SQLITE_OPEN_READWRITE, nil) == SQLITE_OK,
            sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &pointer) == SQLITE_OK,
            let pointer
        else {
            sqlite3_close(connection)
            return nil
        }
        bytes = pointer
    }

    deinit { sqlite3_close(connection) }

    /// - Parameter facts: The file's `stat` now.
    func areStillTheSame(_ facts: stat) -> Bool {
        lock.withLock {
            guard !Self.isUnchanged(seen, facts) else { return true }
            var header = [UInt8](repeating: 0, count: 100)
            guard bytes.pointee.pMethods.pointee.xRead(bytes, &header, 100, 0) == SQLITE_OK else {
                return facts.st_size > 100
            }
            let database = UnreadDatabase(file: bytes, header: header)
            guard database.changeCounter != nil, database.pageSize == pageSize else { return false }
            // VACUUM may have moved the mark, and in a database that was just migrated it is still in the log.
            if let mark = database.mark(onPage: page) {
                guard mark.file == file, mark.sequence >= sequence else { return false }
                sequence = mark.sequence
            }
            seen = facts
            return true
        }
    }

    private static func isUnchanged(_ one: stat, _ other: stat) -> Bool {
        let (before, now) = (one.modified, other.modified)
        return one.st_size == other.st_size && before.tv_sec == now.tv_sec && before.tv_nsec == now.tv_nsec
    }
}
