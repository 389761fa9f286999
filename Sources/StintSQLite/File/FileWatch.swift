import StintCore
import StintPlatform
import Synchronization

/// Notices that the database was deleted, replaced or moved away while this process had it open. SQLite continues
/// with the files that it has open, but no other process ever sees what it writes there.
///
/// A look is three calls of stat(2), together about 3.5 µs on the machine of docs/benchmarks.md. Each transaction looks
/// when it begins, each write also before it is answered, and idle processes look from time to time. None of the three
/// files is ever replaced in an orderly way as long as a connection to the database is open: SQLite deletes -wal and
/// -shm when the last one closes.
final class FileWatch: Sendable {
    private let file: DatabaseFile
    private let opened: [FileIdentity?]
    private let contents: FileContents?
    /// Why the database cannot be used any more. Once set it stays, whatever file gets the name later: what this
    /// process has in memory may be from the old file.
    private let loss = Mutex<StintError?>(nil)
    private let overwritten = Atomic(false)
    private let logDeleted = Atomic(false)

    /// - Parameters:
    ///   - file: The file that SQLite has opened, with a transaction on it, so that its log is open too.
    ///   - identity: The file before SQLite opened it.
    ///   - connection: A connection to it; `nil` if nothing writes to it.
    /// - Throws: `databaseUnusable`: it was replaced meanwhile.
    init(_ file: DatabaseFile, openedAs identity: FileIdentity?, connection: Connection?) throws {
        self.file = file
        contents = try connection?.runBlocking { try FileContents(file, $0) }
        opened = Self.names(of: file).map { FileIdentity(of: $0) }
        guard opened[0] == identity else {
            throw file.unusable("was replaced by another file while it was opened: try again")
        }
    }

    /// The file that was opened.
    var identity: FileIdentity? { opened[0] }

    private static func names(of file: DatabaseFile) -> [String] {
        // By the name that the user gave, so that a symbolic link that leads elsewhere now is noticed.
        [file.path, file.target + "-wal", file.target + "-shm"]
    }

    /// - Throws: ``StintError`` with the code `databaseUnusable`, from the first loss on.
    func check() throws {
        if let loss = loss.withLock({ $0 }) { throw loss }
        for (name, before) in zip(Self.names(of: file), opened) {
            var facts = stat()
            let now = stat(name, &facts) == 0 ? FileIdentity(facts) : nil
            guard now == before else {
                if name == file.log, now == nil { logDeleted.store(true, ordering: .releasing) }
                throw lose(file.unusable(Self.reason(name, isDatabase: name == file.path, isGone: now == nil)))
            }
            if name == file.path, contents?.areStillTheSame(facts) == false {
                overwritten.store(true, ordering: .releasing)
                throw lose(
                    file.unusable(
                        "was written over while this program had it open, as by a copy; it must not be used as it is: stop all "
                            + "programs that use it, put a backup in its place with `stint restore`, and start them again"
                    ))
            }
        }
    }

    /// Makes the database unusable, for any reason.
    ///
    /// - Returns: The first reason.
    func lose(_ reason: StintError) -> StintError {
        loss.withLock { loss in
            loss = loss ?? reason
            return loss!
        }
    }

    /// Whether the file now has other contents. SQLite must not write its log to it then, as it does when the last
    /// connection closes.
    ///
    /// It looks: the last transaction may be long ago.
    func isOverwritten() -> Bool {
        do {
            try check()
            return false
        } catch {
            return overwritten.load(ordering: .acquiring)
        }
    }

    /// Whether the log has lost its name, but the database has not. Its contents can still be saved: all processes that
    /// have it open go on with the same log, and none has begun another.
    var isLogDeleted: Bool { logDeleted.load(ordering: .acquiring) }

    private static func reason(_ name: String, isDatabase: Bool, isGone: Bool) -> String {
        switch (isDatabase, isGone) {
        case (true, true):
            "was deleted or moved away while this program had it open, so nothing more is stored in it: put it back or "
                + "restore a backup (`stint restore`), and start this program again"
        case (true, false):
            "was replaced by another file while this program had it open, so nothing more is stored in the old one: start "
                + "this program again, and it uses the new one"
        case (false, _):
            "lost the file \(quoted(name)) while this program had it open: it was deleted or replaced, and recent commits may "
                + "be lost with it; stop all programs that use the database, start them again, and check it with "
                + "`stint doctor`"
        }
    }
}
