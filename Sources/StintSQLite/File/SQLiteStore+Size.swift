import StintCore
import StintPlatform

extension SQLiteStore {
    /// Reads the sizes from the file system, and not from the database.
    ///
    /// - Throws: ``StintError`` with the code `storageFailed` if the file is gone.
    public func storageSize() throws -> StorageSize {
        guard file.exists else { throw StintError(.storageFailed, "the database \(quoted(path)) is missing") }
        var disk = statvfs()
        let free = statvfs(file.target, &disk) == 0 ? DiskSpace.bytes(disk, \.f_bavail) : 0
        return StorageSize(file: file.size, log: file.logSize, free: free)
    }
}
