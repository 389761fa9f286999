import StintCore
import StintPlatform

extension SQLiteStore {
    /// What the database takes of its disk.
    public struct StorageSize: Sendable, Hashable {
        /// The bytes of the file.
        public let file: Int
        /// The bytes of its write-ahead log; the same space is used again and again.
        public let log: Int
        /// What other programs can still take of the disk.
        public let free: Int
    }

    /// Reads the sizes from the file system, and not from the database.
    ///
    /// - Throws: ``StintError`` with the code `storageFailed` if the file is gone.
    public func storageSize() throws -> StorageSize {
        var facts = stat()
        guard stat(file.target, &facts) == 0 else {
            throw StintError(.storageFailed, "the database \(quoted(path)) is missing")
        }
        let size = Int(facts.st_size)
        let log = stat(file.target + "-wal", &facts) == 0 ? Int(facts.st_size) : 0
        var disk = statvfs()
        var free = 0
        if statvfs(file.target, &disk) == 0 {
            let (bytes, overflow) = Int(clamping: disk.f_bavail).multipliedReportingOverflow(
                by: Int(clamping: disk.f_frsize))
            free = overflow ? .max : bytes
        }
        return StorageSize(file: size, log: log, free: free)
    }
}
