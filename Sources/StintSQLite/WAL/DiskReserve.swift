import GRDB
import Logging
import StintCore
import StintPlatform
import StintRunFiles
import Synchronization

/// Disk space for the acks of running jobs when the disk becomes full: the file `stint.db-reserve`, which is allocated
/// and empty. It is truncated step by step if a transaction that must succeed does not fit otherwise. The first enqueue
/// that finds enough free space makes it whole again. All processes see how much of it is left.
///
/// A transaction of acks is some pages in the log, which fit into one step. The log is then checkpointed into the
/// database, and after that the acks overwrite the log and need no more space.
final class DiskReserve: Sendable {
    /// Enough for a hundred transactions of one ack, and for the log of 1,000 pages that normally waits for a
    /// checkpoint, which must fit into the database when it has grown by that much.
    private static let largest = 4_194_304
    /// On a small disk it takes this part of it.
    private static let partOfDisk = 16
    static let smallestStep = 65_536

    /// Its intended size in bytes; 0 on a disk that is too small to keep anything back.
    let size: Int
    private let file: Int32
    private let database: DatabaseFile
    private let logger: Logger
    /// Whether it was reported that the reserve cannot be allocated, for another reason than a full disk.
    private let hasWarned = Atomic(false)
    private let lastTry = Mutex(ContinuousClock.now - .seconds(1))

    /// Opens the file, or creates it, empty.
    ///
    /// - Throws: ``StintError`` if the file cannot be opened.
    convenience init(beside database: DatabaseFile, logger: Logger) throws {
        let file = try LockFile.descriptor(Self.path(beside: database), like: database.target, writable: true)
        self.init(file, database, logger)
    }

    /// `nil` if it does not exist.
    convenience init?(existingBeside database: DatabaseFile, logger: Logger) {
        guard DatabaseFile(path: Self.path(beside: database)).exists else { return nil }
        do {
            try self.init(beside: database, logger: logger)
        } catch {
            logger.debug("no reserve: \(error)")
            return nil
        }
    }

    private init(_ file: Int32, _ database: DatabaseFile, _ logger: Logger) {
        self.file = file
        self.database = database
        self.logger = logger
        let disk = Self.bytes(of: file, \.f_blocks) ?? 0
        size = min(Self.largest, disk / Self.partOfDisk) / Self.smallestStep * Self.smallestStep
    }

    deinit { close(file) }

    static func path(beside database: DatabaseFile) -> String { database.target + "-reserve" }

    /// How much of it is left, in bytes.
    var left: Int {
        var facts = stat()
        return fstat(file, &facts) == 0 ? Int(facts.st_size) : 0
    }

    /// Whether a write may be tried in the present state; costs one system call if the disk is not full.
    func permits(_ diskFull: DiskFullPolicy) -> Bool {
        switch diskFull {
        case .refuse: left >= size || makeWhole()
        case .useSpareReserve: left >= size / 2 || makeWhole()
        case .useReserve: true
        }
    }

    /// Whether an error of SQLite is about the disk's free space, and not about a page limit or a fault. SQLite returns
    /// `SQLITE_FULL` only if a write fails, and not for its shared memory, which is a file too.
    ///
    /// - Parameter number: The system's error number that came with it.
    func isDiskFull(_ error: DatabaseError, errno number: Int32) -> Bool {
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR: number == EDQUOT || isDiskFull
        default: false
        }
    }

    /// Whether there is little free space left for most processes.
    var isDiskFull: Bool { room(\.f_bavail) < max(size, Self.smallestStep) }

    /// Gives up a step, or this number of bytes.
    ///
    /// - Returns: Whether there was something left.
    func giveUp(_ bytes: Int? = nil) -> Bool {
        let left = left
        guard left > 0 else { return false }
        let step = bytes ?? max(Self.smallestStep, size / Self.partOfDisk)
        return ftruncate(file, off_t(max(0, left - step))) == 0
    }

    /// Why a write is refused.
    var refusal: StintError {
        StintError(
            .storageFailed,
            "the disk under the database \(quoted(database.path)) is full; nothing was changed: free some space and try again "
                + "(running jobs can be settled meanwhile, \(left / 1_024) of \(size / 1_024) KiB are left for that)")
    }

    /// What this process could still take of the disk, in bytes, or perhaps less: some file systems keep a part for
    /// root, but not for root of a container.
    var free: Int { room(geteuid() == 0 ? \.f_bfree : \.f_bavail) }

    private func room(_ blocks: KeyPath<statvfs, fsblkcnt_t>) -> Int { Self.bytes(of: file, blocks) ?? .max }

    /// The space of the disk under the file.
    private static func bytes(of file: Int32, _ blocks: KeyPath<statvfs, fsblkcnt_t>) -> Int? {
        var facts = statvfs()
        return fstatvfs(file, &facts) == 0 ? DiskSpace.bytes(facts, blocks) : nil
    }

    /// Whether it is whole, or there is free space for what is missing.
    var fits: Bool {
        let left = left
        return left >= size || free >= size - left
    }

    /// At most once a second.
    private var isTimeToTry: Bool {
        lastTry.withLock { last in
            let now = ContinuousClock.now
            guard now - last >= .seconds(1) else { return false }
            last = now
            return true
        }
    }

    private func makeWhole() -> Bool {
        // This spares a full disk most of the tries; the free space that a disk reports need not be available to this
        // process.
        guard fits || isTimeToTry else { return false }
        let before = left
        switch DiskSpace.allocate(file, from: left, to: size) {
        case 0: return true
        case ENOSPC, EDQUOT:
            // This releases what was allocated before it failed. Another process may have truncated the file meanwhile.
            ftruncate(file, off_t(min(before, left)))
            return false
        case let number:
            // A reserve that cannot be allocated is no reason to refuse jobs.
            if !hasWarned.exchange(true, ordering: .relaxed) {
                logger.warning(
                    "no disk space can be kept for the acks of running jobs when the disk is full",
                    metadata: ["error": "\(systemError(number))"])
            }
            return true
        }
    }
}
