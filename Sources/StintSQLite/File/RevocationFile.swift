import Logging
import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The ``RevocationMark`` of a database: 8 bytes in the file `stint.db-revoked` beside it. What one process has written
/// there every other one reads from then on, since it is one file of one kernel; it need not survive a power cut, which
/// ends all that could be started.
///
/// It is read and not mapped: a mapped file that somebody truncates kills the process that reads it.
final class RevocationFile: RevocationMark {
    private let database: String
    private let logger: Logger
    /// Opened when it is first needed, so that a command that only looks makes no file. -1: it cannot be.
    private let file = Mutex<Int32?>(nil)

    /// - Parameter database: Without symbolic links, so that all processes find the same file.
    init(beside database: String, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    deinit {
        file.withLock { if let file = $0, file >= 0 { close(file) } }
    }

    func read() -> UInt64 {
        let file = descriptor()
        var value: UInt64 = 0
        guard file >= 0, pread(file, &value, 8, 0) == 8 else { return 0 }
        return value
    }

    /// Something was revoked, in a transaction that is committed.
    func change() {
        let file = descriptor()
        guard file >= 0 else { return }
        // Not a number that counts up: two processes that change it at a time would write the same one.
        var value = UInt64.random(in: 1 ... .max)
        if pwrite(file, &value, 8, 0) != 8 {
            logger.error(
                "what workers have claimed ahead may still start although it was revoked: its mark cannot be written",
                metadata: ["file": "\(database)-revoked", "error": "\(String(cString: strerror(errno)))"])
        }
    }

    private func descriptor() -> Int32 {
        file.withLock { file in
            if let file { return file }
            let opened: Int32
            do {
                opened = try LockFile.descriptor(database + "-revoked", like: database, writable: true)
            } catch {
                opened = -1
                logger.warning(
                    "what workers have claimed ahead may start although it was revoked meanwhile",
                    metadata: ["error": "\(error)"])
            }
            file = opened
            return opened
        }
    }
}
