import StintCore
import StintPlatform

/// A file that exists only to be locked.
package enum LockFile {
    /// Opens or creates it, with the owner and the permissions of the database, as SQLite does with -wal and -shm.
    package static func descriptor(_ path: String, like database: String, writable: Bool = false) throws -> Int32 {
        func failure() -> StintError {
            StintError(
                .databaseUnusable,
                "the file \(quoted(path)) cannot be opened: \(systemError())")
        }
        var facts = stat()
        guard stat(database, &facts) == 0 else { throw failure() }
        let access = writable ? O_RDWR : O_RDONLY
        if let made = make(path, like: facts, access: access) { return made }
        guard errno == EEXIST else { throw failure() }
        let found = open(path, access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0)
        guard found >= 0 else { throw failure() }
        // A file that is truncated and extended must not be another file under a second name.
        guard !writable || isOnlyOurs(found) else {
            close(found)
            throw StintError(
                .databaseUnusable,
                "the file \(quoted(path)) is no file of its own: find out what created it, and remove it")
        }
        return found
    }

    /// Creates a file to write to; `nil` if it already exists or cannot be created.
    package static func make(_ path: String, like database: String) -> Int32? {
        var facts = stat()
        guard stat(database, &facts) == 0 else { return nil }
        return make(path, like: facts, access: O_RDWR)
    }

    private static func make(_ path: String, like database: stat, access: Int32) -> Int32? {
        let made = open(path, access | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard made >= 0 else { return nil }
        givePermissions(to: made, like: database)
        return made
    }

    /// Every user who may use the database may use the files beside it: a new file gets the database's owner, group and
    /// mode, as far as this user may set them. In a folder with the setgid bit the group is right from the start.
    package static func givePermissions(to file: Int32, like database: stat) {
        if geteuid() == 0 {
            _ = fchown(file, database.st_uid, database.st_gid)
        } else {
            _ = fchown(file, uid_t.max, database.st_gid)
        }
        _ = fchmod(file, database.st_mode & 0o666)
    }

    /// Whether writing to it changes no other file.
    private static func isOnlyOurs(_ file: Int32) -> Bool {
        var facts = stat()
        return fstat(file, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && facts.st_nlink == 1
    }

    /// When it was last changed, in nanoseconds of the wall clock.
    package static func modified(_ file: Int32) -> Int64 {
        var facts = stat()
        guard fstat(file, &facts) == 0 else { return 0 }
        return facts.modified.nanoseconds
    }

    package static func lockIfFree(_ file: Int32) -> Bool { change(file, LOCK_EX | LOCK_NB) }
    package static func lock(_ file: Int32) { _ = change(file, LOCK_EX) }

    private static func change(_ file: Int32, _ operation: Int32) -> Bool {
        while flock(file, operation) != 0 {
            // If the file system does not support such locks, there is no gate, and every process counts as inside.
            guard errno == EINTR else { return errno != EWOULDBLOCK }
        }
        return true
    }
}
