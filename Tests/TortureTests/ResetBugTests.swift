import CFaults
import Foundation
import GRDB
import GRDBSQLite
import Logging
import StintCore
import StintPlatform
import Testing

@testable import StintSQLite

/// https://sqlite.org/wal.html, section 11. A checkpoint reads how far the log goes. Before it reads how much of that
/// is in the database already (all of it, here), a writer starts the log again, as it may then. The checkpoint now
/// takes the few new frames for the many old ones, and notes that the log is checkpointed as far as the old ones went.
/// What is committed into this part is never checkpointed, and is lost with the log.
@Suite(
    "The WAL-reset bug",
    .enabled(
        if: Checkpointer.libraryHasResetBug,
        "SQLite \(String(cString: sqlite3_libversion())) is without the bug: it is in 3.7.0 to 3.51.2 but 3.44.6 and 3.50.7"
    ))
struct ResetBugTests {
    @Test("a plain checkpoint loses commits when a writer starts the log again in its window")
    func plain() async throws {
        let folder = try TemporaryFolder()
        let outcome = try await checkpointWithWriterInWindow(folder.database) { connections in
            try connections.mover.runBlocking { try $0.execute(sql: "PRAGMA wal_checkpoint(PASSIVE)") }
        }
        #expect(outcome.inWindow == .committed)
        #expect(!outcome.lost.isEmpty, "nothing was lost: this is not the window")
        print("a plain checkpoint lost \(outcome.lost.count) of 111 jobs; the file: \(outcome.integrity)")
    }

    @Test("Stint's checkpoint loses none: the writer comes after it")
    func stints() async throws {
        let folder = try TemporaryFolder()
        let outcome = try await checkpointWithWriterInWindow(folder.database) { connections in
            let checkpoint = Checkpointer(
                DatabaseFile(path: folder.database), lock: connections.lock, mover: connections.mover, locks: nil,
                reserve: nil,
                repair: WALRecovery(nil, lock: connections.lock, logger: Logger(label: "test")),
                logger: Logger(label: "test"))
            await checkpoint.run()
        }
        #expect(outcome.inWindow == .busy)
        #expect(outcome.lost.isEmpty, "lost: \(outcome.lost)")
        #expect(outcome.integrity == ["ok"])
    }

    // MARK: - The window

    private struct Outcome {
        /// What happened to the write within the checkpoint; `nil`: the hook was not reached.
        let inWindow: Window.Event?
        /// Jobs that were enqueued and are missing.
        let lost: Set<Int64>
        let integrity: [String]
    }

    private struct Connections {
        let writer: Connection
        let lock: Connection
        /// The connection that checkpoints.
        let mover: Connection

        init(_ path: String) throws {
            func connect(_ purpose: String) throws -> Connection {
                try Connection(path, opening: path, purpose: purpose, durability: .full, busyTimeout: .zero)
            }
            writer = try connect("writer")
            lock = try connect("lock")
            mover = try connect("mover")
        }

        func close() throws {
            for connection in [writer, lock, mover] { try connection.database.close() }
        }
    }

    /// Makes a log that is completely in the database, checkpoints while a job is enqueued in the window, enqueues
    /// more, and opens the database again.
    private func checkpointWithWriterInWindow(
        _ path: String, _ checkpoint: (Connections) async throws -> Void
    ) async throws -> Outcome {
        _ = try SQLiteStore(path: path)
        let connections = try Connections(path)
        let window = Window(connections.writer)
        for _ in 0..<100 { try window.enqueue() }
        try connections.lock.runBlocking { database -> Void in
            let row = try #require(try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(PASSIVE)"))
            let (log, moved): (Int, Int) = (row["log"], row["checkpointed"])
            #expect(log > 100 && moved == log)
        }
        connections.mover.runBlocking { database in
            let code = reset_window_hook(
                database.sqliteConnection,
                { Unmanaged<Window>.fromOpaque($0!).takeUnretainedValue().open() },
                Unmanaged.passUnretained(window).toOpaque())
            #expect(code == 0)
        }
        try await checkpoint(connections)
        // Fewer than before, so that the new log does not grow past the old one.
        for _ in 0..<10 { try window.enqueue() }
        try connections.close()

        let (found, integrity) = try whatIsThere(path)
        return Outcome(inWindow: window.event, lost: window.enqueued.subtracting(found), integrity: integrity)
    }

    /// The jobs, and SQLite's verdict on the file; its error if the file cannot even be read.
    private func whatIsThere(_ path: String) throws -> (jobs: Set<Int64>, integrity: [String]) {
        do {
            return try DatabaseQueue(path: path).inDatabase { database in
                let jobs = try Int64.fetchAll(database, sql: "SELECT id FROM stint_jobs")
                return (Set(jobs), try String.fetchAll(database, sql: "PRAGMA integrity_check"))
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            return ([], ["\(error)"])
        }
    }

    /// A writer that acts when the window opens. `@unchecked Sendable`: the checkpoint's thread calls it, while the test
    /// waits for the checkpoint.
    private final class Window: @unchecked Sendable {
        enum Event: Equatable {
            case committed, busy
            case failed(String)
        }

        private let writer: Connection
        private(set) var event: Event?
        /// The jobs whose enqueue has returned.
        private(set) var enqueued: Set<Int64> = []

        init(_ writer: Connection) {
            self.writer = writer
        }

        func enqueue() throws {
            let job = try NewJob([UInt8](repeating: 7, count: 2_000), in: "q")
            let answers = try writer.runBlocking { database in
                try JobTransaction.run(database, SystemClock()) { try $0.enqueue([job]) }.value
            }
            enqueued.formUnion(answers.map(\.id.rawValue))
        }

        func open() {
            do {
                try enqueue()
                event = .committed
            } catch let error as StintError where error.code == .databaseBusy {
                event = .busy
            } catch {
                event = .failed("\(error)")
            }
        }
    }
}
