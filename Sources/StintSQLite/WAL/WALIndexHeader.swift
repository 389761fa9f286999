import GRDB
import GRDBSQLite

/// The header of the memory that all connections to a database share (the wal-index: https://sqlite.org/walformat.html,
/// section 2.1), at one moment. Every commit of any process changes it. So comparing two shows, without a transaction
/// and without a lock, whether there was a commit between them.
struct WALIndexHeader: Equatable {
    /// The size that SQLite maps (`WALINDEX_PGSZ`).
    private static let regionSize: Int32 = 32_768

    private typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    private let words: Words

    /// Reads the first of the two copies, which SQLite writes last: its commits can be seen by all processes. A copy
    /// that is read while it is written differs from all others.
    ///
    /// - Parameter connection: A connection that has had a transaction: its memory is mapped already.
    /// - Returns: `nil` if the connection has no such memory, or none that can be read.
    init?(of connection: Database) {
        var file: UnsafeMutablePointer<sqlite3_file>?
        let code = sqlite3_file_control(connection.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file)
        guard code == SQLITE_OK, let file, let methods = file.pointee.pMethods, methods.pointee.iVersion >= 2,
            let map = methods.pointee.xShmMap
        else { return nil }
        var region: UnsafeMutableRawPointer?
        guard [SQLITE_OK, SQLITE_READONLY].contains(map(file, 0, Self.regionSize, 0, &region)), let region else {
            return nil
        }
        words = region.load(as: Words.self)
    }

    static func == (one: Self, other: Self) -> Bool { one.words == other.words }
}
