import StintCore
import StintPlatform

/// Databases that this process may read but not write to.
extension DatabaseFile {
    enum Access: Equatable {
        /// Reading and writing.
        case full
        /// Reading beside other processes that write: their log and shared memory can be read.
        case shared
        /// Reading a database that does not change: there is no log, and on a read-only file system or without
        /// permission none can be created. SQLite takes no locks then, and sees no later change.
        case immutable

        /// The name to open with SQLite (https://sqlite.org/uri.html).
        func name(of path: String) -> String {
            guard self == .immutable else { return path }
            let escaped = path.utf8.map { byte in
                let character = Character(Unicode.Scalar(byte))
                let isPlain =
                    character.isASCII && (character.isLetter || character.isNumber || "/._-".contains(character))
                return isPlain ? String(character) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            return "file:\(escaped.joined())?immutable=1"
        }
    }

    /// - Returns: How a process that only reads can open it.
    /// - Throws: `databaseUnusable`.
    func checkForReading(allowsFUSE: Bool) throws -> Access {
        try checkPlace(allowsFUSE: allowsFUSE)
        guard try isThere() else {
            throw unusable("does not exist: create it, or name another one", advice: .createDatabase)
        }
        try checkKind()
        if access(path, R_OK | W_OK) == 0 && access(folder, W_OK | X_OK) == 0 { return .full }
        guard access(path, R_OK) == 0 else {
            throw unusable("may not be read by this user; change its owner or its permissions")
        }
        let (hasLog, hasMemory) = (logSize > 0, access(target + "-shm", F_OK) == 0)
        guard hasLog || hasMemory else { return .immutable }
        guard access(target + "-shm", R_OK) == 0, access(log, R_OK) == 0 else {
            throw unusable(
                "has changes in \(quoted(log)) that cannot be read here, since this user may not "
                    + "\(hasMemory ? "read that file and -shm" : "make the -shm file beside it"): copy the database together "
                    + "with -wal to a folder that may be written to, or read it as a user who may write to it")
        }
        return .shared
    }

    /// The error of a verb that writes.
    var mayOnlyBeRead: StintError {
        unusable("may only be read by this process, and this needs to write to it; nothing was changed")
    }
}
