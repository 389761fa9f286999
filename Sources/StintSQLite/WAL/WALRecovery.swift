import GRDB
import GRDBSQLite
import Logging
import StintCore
import StintPlatform
import Synchronization

/// Makes a log whole again after a sync of it has failed.
///
/// When the disk fails a sync, the kernel may treat what it could not write as written. The next sync, which has
/// nothing to do, reports success (https://wiki.postgresql.org/wiki/Fsync_Errors). What is committed behind such a gap
/// is lost with a power cut, since the log is read up to the first page that does not fit. A checkpoint that believes
/// the second sync leaves a database that is newer in part. So after a failed sync the log is not trusted. Its pages,
/// which are still in memory, are written once more and synced before anything else is called durable, and before a
/// checkpoint.
///
/// All processes must know of this, also those that open the log later, to which the kernel does not report the
/// failure. The mark is the size of the file `stint.db-lock`: one byte that was never written.
final class WALRecovery: Sendable {
    /// How often a repair waits for the write lock, each time for that connection's busy timeout.
    private static let mostWaits = 10

    private let lock: Connection
    /// `nil`: there are none, and only this process knows.
    private let locks: DatabaseLocks?
    private let isInDoubtHere = Atomic(false)
    private let logger: Logger

    /// - Parameters:
    ///   - locks: Their file has the mark.
    ///   - lock: The connection that takes the write lock for checkpoints.
    init(_ locks: DatabaseLocks?, lock: Connection, logger: Logger) {
        self.locks = locks
        self.lock = lock
        self.logger = logger
    }

    /// Whether a sync has failed, and the log has not been written again since. Costs one system call.
    var isInDoubt: Bool {
        if isInDoubtHere.load(ordering: .acquiring) { return true }
        var facts = stat()
        guard let locks, fstat(locks.file, &facts) == 0 else { return false }
        return facts.st_size > 0
    }

    /// Called when a sync has failed.
    func doubt() { setMark(true) }

    private func setMark(_ isInDoubt: Bool) {
        isInDoubtHere.store(isInDoubt, ordering: .releasing)
        if let locks, ftruncate(locks.file, isInDoubt ? 1 : 0) != 0 {
            logger.error(
                "a failure of the disk could not be noted for other processes",
                metadata: ["error": "\(systemError())"])
        }
    }

    /// Writes the log again and syncs it. All that was committed is on disk when this returns.
    func mend() throws {
        doubt()
        var tries = 0
        while true {
            do {
                try rewriteLogOnce()
                break
            } catch let error as StintError where error.code == .databaseBusy && tries < Self.mostWaits {
                // Other processes write and have had no failure yet: that is no failure of the disk.
                tries += 1
            }
        }
        logger.warning("a sync of the log failed; the log was written again, from memory, and synced")
    }

    private func rewriteLogOnce() throws {
        try lock.runBlocking { lock in
            try lock.execute(sql: "BEGIN IMMEDIATE")
            defer {
                do { try lock.rollback() } catch { logger.debug("after a repair of the log: \(error)") }
            }
            try rewriteIfInDoubt(lock)
        }
    }

    /// The same on the connection that has the write lock: no other process writes to the log or starts it again.
    func rewriteIfInDoubt(_ lock: Database) throws {
        guard isInDoubt else { return }
        let log = try WALSync.file(of: lock)
        var code = try rewrite(log)
        // The kernel reports the old failure once to each process that has the file open.
        if code != SQLITE_OK { code = try rewrite(log) }
        guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        setMark(false)
    }

    /// - Returns: The result of the sync.
    private func rewrite(_ log: UnsafeMutablePointer<sqlite3_file>) throws -> Int32 {
        let methods = log.pointee.pMethods.pointee
        func check(_ code: Int32) throws {
            guard code == SQLITE_OK else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
        }
        var size: sqlite3_int64 = 0
        try check(methods.xFileSize(log, &size))
        var buffer = [UInt8](repeating: 0, count: 65_536)
        for offset in stride(from: 0, to: size, by: buffer.count) {
            let count = Int32(min(size - offset, sqlite3_int64(buffer.count)))
            try check(methods.xRead(log, &buffer, count, offset))
            try check(methods.xWrite(log, &buffer, count, offset))
        }
        return methods.xSync(log, SQLITE_SYNC_NORMAL)
    }
}
