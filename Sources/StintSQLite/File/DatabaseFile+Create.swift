import StintCore
import StintPlatform
import StintRunFiles

/// Creates a database whole or not at all.
extension DatabaseFile {
    /// Stands between the name of the new file and a random number.
    private static let mark = ".stint-new-"
    private static let suffixOfNew = "-db"

    /// Creates the file whole or not at all. `build` fills a temporary file beside it, which then gets the name. So a
    /// half-made database is never visible. If two processes create it at once, one wins and both use the winner's.
    ///
    /// - Parameter permissions: Those of the file; SQLite gives -wal and -shm the same.
    /// - Throws: `databaseUnusable` if it cannot be created; `invalidInput` if it exists and must not be used.
    func create(
        orUseAnothers: Bool, permissions: UInt32 = 0o600, _ build: (_ temporary: String) throws -> Void
    ) throws {
        try withTemporaryFile(permissions: permissions) { temporary in
            try build(temporary)
            // It has two names until the temporary one is removed.
            if link(temporary, target) == 0 { return syncFolder() }
            guard errno == EEXIST else { throw unusable("cannot be made: \(systemError())") }
            guard orUseAnothers else { throw alreadyExists }
        }
    }

    /// Creates a new file beside this one. It is removed afterwards unless it got another name.
    ///
    /// Its creator holds a lock on a file of its own beside it. When the creator dies the kernel frees the lock, and
    /// the next process removes both. The lock is not on the new file itself, since closing that would drop SQLite's
    /// locks on it.
    func withTemporaryFile<Value>(permissions: UInt32, _ body: (_ path: String) throws -> Value) throws -> Value {
        sweepLeftovers()
        let (lock, descriptor) = try makeLock()
        let path = lock + Self.suffixOfNew
        defer {
            Self.removeNew(lock)
            close(descriptor)
        }
        // 0600 before SQLite sees it: payloads are private unless the user decides otherwise.
        let file = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw unusable("cannot be made: \(systemError())") }
        if permissions != 0o600 { fchmod(file, mode_t(permissions)) }
        var facts = stat()
        if stat(target, &facts) == 0 { LockFile.givePermissions(to: file, like: facts) }
        close(file)
        return try body(path)
    }

    private func makeLock() throws -> (path: String, descriptor: Int32) {
        while true {
            let path = "\(target)\(Self.mark)\(UInt64.random(in: .min ... .max))"
            let descriptor = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw unusable("cannot be made: \(systemError())") }
            LockFile.lock(descriptor)
            // A process that sweeps may have come before the lock.
            var facts = stat()
            if fstat(descriptor, &facts) != 0 || facts.st_nlink > 0 { return (path, descriptor) }
            close(descriptor)
        }
    }

    private static func removeNew(_ lock: String) {
        for suffix in suffixesOfSQLite + [""] { unlink(lock + suffixOfNew + suffix) }
        unlink(lock)
    }

    /// Removes what processes that died left in this folder while they created a database or a backup. A file that is
    /// still in use is locked by its process, whatever container that is in.
    ///
    /// - Returns: Whether another process is still creating one.
    @discardableResult
    func sweepLeftovers() -> Bool {
        guard let listing = opendir(folder) else { return false }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let mark = name.range(of: Self.mark), !name[mark.upperBound...].isEmpty,
                name[mark.upperBound...].allSatisfy({ $0.isASCII && $0.isNumber })
            else { continue }
            names.append(name)
        }
        return names.filter { !removeIfLeft("\(folder)/\($0)") }.count > 0
    }

    /// - Returns: Whether it no longer exists.
    private func removeIfLeft(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return errno == ENOENT }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid() || geteuid() == 0,
            LockFile.lockIfFree(file)
        else { return false }
        Self.removeNew(path)
        return true
    }

    /// The name must be on disk before there can be a log, which without its database would be in the way of a new one.
    /// If a file system does not support such a sync, SQLite goes on too.
    func syncFolder() {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
