import CStint
import StintCore
import StintPlatform
import StintRunFiles

/// The file `stint.db-lock`, of which the processes that write to a database lock single bytes.
///
/// The locks belong to the open file (`F_OFD_SETLK`, fcntl(2)): two of these objects exclude each other also in one
/// process, and the kernel frees the locks of a process that dies.
///
/// The file is empty and stays. It is not written to, since a write would lengthen the file system's journal, and every
/// commit has to wait for that. It also has two marks: its time of modification is that of the last checkpoint
/// (``Checkpointer``), and its length is 1 while the log is in doubt (``WALRecovery``).
package final class DatabaseLocks: Sendable {
    /// What a lock on a byte means. No two are neighbours, because the kernel joins neighbouring locks of one open file
    /// into one, and has to split it again.
    package enum Byte: off_t {
        /// The process inside the ``WriteGate``.
        case gate = 0
        /// The one that is next.
        case nextAtGate = 2
        /// The process that is elected to checkpoint.
        case checkpoint = 4
    }

    let file: Int32

    /// - Parameter database: Without symbolic links, so that all processes find the same file.
    /// - Throws: ``StintError`` if the file cannot be opened or locked.
    package init(beside database: String) throws {
        let path = Self.path(beside: database)
        file = try LockFile.descriptor(path, like: database, writable: true)
        // This changes nothing, and fails if the kernel or the file system does not know such locks.
        guard stint_unlock_byte(file, Byte.gate.rawValue) == 0 else {
            let reason = systemError()
            close(file)
            throw StintError(.databaseUnusable, "bytes of the file \(quoted(path)) cannot be locked: \(reason)")
        }
    }

    deinit { close(file) }

    static func path(beside database: String) -> String { database + "-lock" }

    /// Waits for the lock without a limit.
    package func lock(_ byte: Byte) { _ = stint_lock_byte(file, byte.rawValue) }

    /// - Returns: Whether it has the lock now. If the kernel has no memory for locks, every process counts as having
    ///   it.
    package func lockIfFree(_ byte: Byte) -> Bool {
        stint_lock_byte_if_free(file, byte.rawValue) == 0 || errno != EAGAIN && errno != EACCES
    }

    package func unlock(_ byte: Byte) { _ = stint_unlock_byte(file, byte.rawValue) }
}
