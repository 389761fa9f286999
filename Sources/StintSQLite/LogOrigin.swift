import CStint
import GRDB
import GRDBSQLite
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Whether the `-wal` file beside a database is its own. SQLite takes any log that is whole in itself for that of the
/// database beside which it lies: when a backup is copied over a database whose log remains, the first who opens it mixes
/// the two, and both are lost.
///
/// Two things are compared, neither of which can differ in a healthy database:
///
/// - **Stint's mark** (``FileMark``), a row that has a new random token at the start of each log and then at least once a
///   second while Stint writes, and that names the token before it. A database is the state from which its log began, or a
///   later one of the same log, where a checkpoint has brought it. So its mark is the one before the first in the log, or
///   one of those in the log. A copy has a mark of its own (`stint backup` changes it), or that of the second in which it
///   was made.
/// - **SQLite's change counter** on page 1, for logs that only other programs have written to. Whoever writes page 1 gives
///   it the number that he has read plus one, so that it grows by one at most from one to the next, and that of the
///   database is between the first in the log less one and the last in the log.
///
/// A log in which there is neither says nothing, and is taken for the database's own.
///
/// It is only read if nobody has the database open, for then SQLite would apply it. SQLite's own locks in `-shm` keep
/// everybody out meanwhile, and nothing is changed. The check costs reading the log once: 4 MB take some milliseconds.
struct LogOrigin {
    let file: DatabaseFile
    /// For tests: what others do when the database's first page has been read.
    var beforeLogIsRead: () throws -> Void = {}

    init(file: DatabaseFile) {
        self.file = file
    }

    /// - Throws: ``StintError`` with the code `databaseUnusable`; nothing was changed then.
    func check() throws {
        // Whoever closes it last deletes the log, and then the memory: between the two it looks the same.
        for _ in 0..<20 {
            do { return try look() } catch is LostLog { usleep(10_000) }
        }
        throw lostLog
    }

    private struct LostLog: Error {}

    private func look() throws {
        // Memory that is shared without a log: perhaps somebody has deleted the log of those who share it.
        guard file.logSize > 0 || access(file.target + "-shm", F_OK) == 0 else { return }
        try UnreadDatabase.with(file) { database in
            try beforeLogIsRead()
            let reader = LogReader(file.log)
            defer { reader?.close() }
            switch database.users(reader) {
            case .some(true): return
            case .some(false): throw LostLog()
            case nil: break
            }
            guard let log = reader else { return }
            log.readFrames()
            guard log.frames > 0 else { return }
            guard database.pageSize == log.pageSize, hasOwnCounter(database, log), hasOwnMark(database, log) else {
                throw foreignLog
            }
        }
    }

    private func hasOwnCounter(_ database: UnreadDatabase, _ log: LogReader) -> Bool {
        guard let (first, last) = log.changeCounters, let own = database.changeCounter else { return true }
        return own &- (first &- 1) <= last &- (first &- 1)
    }

    private func hasOwnMark(_ database: UnreadDatabase, _ log: LogReader) -> Bool {
        // The first of all: it says nothing of what was before.
        guard let first = log.marks.first, first.mark.sequence > 1 else { return true }
        func isOwn(_ mark: FileMark) -> Bool {
            mark.isPredecessor(of: first.mark) || log.marks.contains { $0.mark == mark }
        }
        // Only a page that cannot be read is searched: a sound one can have remains of what it was copied from.
        if let own = database.mark(onPage: first.page) {
            if isOwn(own) { return true }
        } else if database.tornMarks(onPage: first.page).contains(where: isOwn) {
            return true
        }
        // VACUUM moves it, and writes every page: then it does not matter what was there before.
        if log.coversEverything { return true }
        // With auto_vacuum it moves when a table is dropped.
        return database.isAutoVacuumed && database.hasMark(isOwn)
    }

    private var foreignLog: StintError {
        file.unusable(
            "has a log beside it, \(quoted(file.log)), that is not its own but of another file or of another state of this one, "
                + "as when a backup was copied over it; SQLite would mix the two, so nothing was done: put the backup in place "
                + "with `stint restore BACKUP`, which keeps both files aside; or, if the database is to be used as it is, move "
                + "the log away")
    }

    private var lostLog: StintError {
        file.unusable(
            "is open in other processes whose log is not \(quoted(file.log)) any more, since somebody deleted or replaced it: "
                + "stop those processes first, so that they save what they have")
    }
}

/// What is in a log, without SQLite.
final class LogReader {
    private(set) var pageSize = 0
    /// How many SQLite would read.
    private(set) var frames = 0
    private(set) var changeCounters: (first: UInt32, last: UInt32)?
    private(set) var marks: [(page: Int, mark: FileMark)] = []
    private let file: Int32
    private var pages: Set<Int> = []
    /// The size of the database after the last commit, in pages.
    private var databasePages = 0

    /// `nil` if it cannot be opened; then SQLite says why.
    init?(_ path: String) {
        file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { return nil }
    }

    /// The eight bytes of its header, as it is now, that each frame of its round repeats.
    var currentSalts: [UInt8] {
        var salts = [UInt8](repeating: 0, count: 8)
        return pread(file, &salts, 8, 16) == 8 ? salts : []
    }

    func readFrames() {
        var size: UInt32 = 0
        frames = max(0, stint_log_frames(file, &size))
        pageSize = Int(size)
        var frame = [UInt8](repeating: 0, count: 24 + pageSize)
        for number in 0..<frames {
            guard pread(file, &frame, frame.count, off_t(32 + number * frame.count)) == frame.count else { return }
            let page = frame[0..<4].reduce(0) { $0 << 8 | Int($1) }
            let size = frame[4..<8].reduce(0) { $0 << 8 | Int($1) }
            pages.insert(page)
            if size > 0 { databasePages = size }
            if page == 1 {
                let counter = frame[48..<52].reduce(0) { $0 << 8 | UInt32($1) }
                changeCounters = (changeCounters?.first ?? counter, counter)
            } else if let mark = frame.withUnsafeBytes({ FileMark(page: .init(rebasing: $0[24...])) }) {
                marks.append((page, mark))
            }
        }
    }

    /// Whether no page of the database is read from anywhere else.
    var coversEverything: Bool {
        // The page with the bytes for locks is never written.
        let locks = 0x4000_0000 / max(pageSize, 1) + 1
        return databasePages > 0 && (1...databasePages).allSatisfy { pages.contains($0) || $0 == locks }
    }

    /// Of the file.
    var size: Int {
        var facts = stat()
        return fstat(file, &facts) == 0 ? Int(facts.st_size) : 0
    }

    func close() {
        #if canImport(Darwin)
            Darwin.close(file)
        #else
            Glibc.close(file)
        #endif
    }
}
