import CStint
import GRDB
import GRDBSQLite
import StintCore
import StintPlatform

/// Checks whether the `-wal` file beside a database is its own. SQLite takes any log that is whole in itself for that
/// of the database beside which it lies. If a backup is copied over a database whose log remains, the first process
/// that opens it mixes the two, and both are lost.
///
/// Two things are compared, neither of which can differ in a healthy database:
///
/// - **Stint's mark** (``FileMark``), a row that has a new random token at the start of each log and then at least once
///   a second while Stint writes, and that names the token before it. A database is the state from which its log began,
///   or a later one of the same log, to which a checkpoint has brought it. So its mark is the one before the first in
///   the log, or one of those in the log. A copy has a mark of its own (`stint backup` changes it), or that of the
///   second in which it was made.
/// - **SQLite's change counter** on page 1, for logs that only other programs have written to. A program that writes
///   page 1 sets it to the number that it has read plus one. So it grows by at most one from one to the next, and that
///   of the database is between the first in the log less one and the last in the log.
///
/// A log that has neither proves nothing, and is taken for the database's own.
///
/// The log is only read if no process has the database open, because only then would SQLite apply it. SQLite's own
/// locks in `-shm` keep all processes out meanwhile, and nothing is changed. The check costs reading the log once: 4 MB
/// take some milliseconds.
struct WALOrigin {
    let file: DatabaseFile
    /// For tests: what other processes do after the database's first page was read.
    var beforeLogIsRead: () throws -> Void = {}

    init(file: DatabaseFile) {
        self.file = file
    }

    /// - Throws: ``StintError`` with the code `databaseUnusable`; nothing was changed then.
    func check() throws {
        // The process that closes it last deletes the log, and then the memory: between the two it looks the same.
        for _ in 0..<20 {
            do { return try look() } catch is LostWAL { usleep(10_000) }
        }
        throw lostLog
    }

    private struct LostWAL: Error {}

    private func look() throws {
        // There may be shared memory without a log: perhaps the log of its users was deleted.
        guard file.logSize > 0 || access(file.target + "-shm", F_OK) == 0 else { return }
        try UnreadDatabase.with(file) { database in
            try beforeLogIsRead()
            let reader = WALReader(file.log)
            defer { reader?.close() }
            switch database.users(reader) {
            case .some(true): return
            case .some(false): throw LostWAL()
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

    private func hasOwnCounter(_ database: UnreadDatabase, _ log: WALReader) -> Bool {
        guard let (first, last) = log.changeCounters, let own = database.changeCounter else { return true }
        return own &- (first &- 1) <= last &- (first &- 1)
    }

    private func hasOwnMark(_ database: UnreadDatabase, _ log: WALReader) -> Bool {
        // This is the first mark of all: it proves nothing about what was before.
        guard let first = log.marks.first, first.mark.sequence > 1 else { return true }
        func isOwn(_ mark: FileMark) -> Bool {
            mark.isPredecessor(of: first.mark) || log.marks.contains { $0.mark == mark }
        }
        // Only a page that cannot be read is searched: a sound one can have remains of the database from which it was
        // copied.
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
                + "with `stint restore BACKUP`, which keeps both files aside; or, to use the database as it is, move "
                + "the log away")
    }

    private var lostLog: StintError {
        file.unusable(
            "is open in other processes whose log is not \(quoted(file.log)) any more, because that was deleted or replaced: "
                + "stop those processes first, so that they save what they have")
    }
}
