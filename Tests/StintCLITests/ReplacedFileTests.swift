import Foundation
import TestSupport
import Testing

/// What happens to the files of a database while programs have it open.
private enum Change: String, CaseIterable, Sendable {
    case deleted, replaced, logDeleted, memoryDeleted, folderRenamed, linkedElsewhere

    /// What the error contains.
    var says: String {
        switch self {
        case .deleted, .folderRenamed: "was deleted or moved away while this program had it open"
        case .replaced, .linkedElsewhere: "was replaced by another file while this program had it open"
        case .logDeleted: "stint.db-wal"
        case .memoryDeleted: "stint.db-shm"
        }
    }

    func happen(in place: Workplace) throws {
        let files = FileManager.default
        func remove(_ name: String) throws { try files.removeItem(atPath: place.path(name)) }
        switch self {
        case .deleted:
            for name in try files.contentsOfDirectory(atPath: place.path("data")) where name.hasPrefix("stint.db") {
                try remove("data/\(name)")
            }
        case .replaced: guard rename(place.path("copy.db"), place.path("data/stint.db")) == 0 else { throw Failure() }
        case .logDeleted: try remove("data/stint.db-wal")
        case .memoryDeleted: try remove("data/stint.db-shm")
        case .folderRenamed: try files.moveItem(atPath: place.path("data"), toPath: place.path("moved"))
        case .linkedElsewhere:
            try remove("link.db")
            try files.createSymbolicLink(atPath: place.path("link.db"), withDestinationPath: "copy.db")
        }
    }

    private struct Failure: Error {}
}

@Suite("A database that is changed under running programs", .inOwnFolder, .timeLimit(.minutes(10)))
struct ReplacedFileTests {
    let place = Workplace.ofThisTest

    /// `data/stint.db` with `link.db` that leads to it, and `copy.db`.
    private func prepare() async throws {
        try FileManager.default.createDirectory(atPath: place.path("data"), withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(
            atPath: place.path("link.db"), withDestinationPath: "data/stint.db")
        try await place.stint("put", "x", "--db", "link.db")
        try await place.stint("backup", "copy.db", "--db", "link.db")
    }

    @Test(
        "idle workers and their supervisor notice, say so once each, and end with exit 69", arguments: Change.allCases)
    private func idle(change: Change) async throws {
        try await prepare()
        let outcome = try await place.whileRunning(
            ["work", "--db", "link.db", "--workers", "2", "--lease", "1s", "--", "true"]
        ) { _ in
            try await eventually("the job is done and both workers are ready") {
                let workers = try await place.stint("workers", "--json", "--db", "link.db").count(where: \.isNewline)
                let stats = try await place.stint("stats", "--json", "--db", "link.db")
                return workers == 2 && stats.contains(#""done":1"#)
            }
            try change.happen(in: place)
        }
        #expect(outcome.code == 69, "\(outcome)")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.last?.hasPrefix("stint: ") == true && lines.last?.contains(change.says) == true, "\(outcome)")
        // The supervisor, two workers, and the last line. A worker that is ordered to stop first reports less.
        if change == .logDeleted {
            // What they had in the deleted log is saved.
            #expect(try await place.stint("stats", "--json", "--db", "link.db").contains(#""done":1"#))
        }
        #expect(lines.count <= 4 && lines.allSatisfy { $0.contains(change.says) }, "\(outcome)")
    }

    @Test("a worker in the middle of a long job lets it finish, and then ends with exit 69")
    func busy() async throws {
        try await prepare()
        let job = "touch started; \(untilThere("go")); touch finished"
        // Its messages go to a file, to be read while it runs. It has no lease to extend before the test is over.
        let script = #"exec "$stint" work --db link.db --lease 1h -- sh -c "$job" 2> messages"#
        let outcome = try await place.whileRunning(
            ["-c", script], of: "/bin/sh", environment: ["stint": Workplace.stint, "job": job]
        ) { _ in
            try await eventually("the job runs") { place.exists("started") }
            try Change.deleted.happen(in: place)
            try await eventually("the worker has noticed, and its supervisor too", within: .seconds(20)) {
                let messages = try place.lines("messages")
                return ["the worker ends because", "the workers end because"].allSatisfy { says in
                    messages.contains { $0.contains(says) && $0.contains(Change.deleted.says) }
                }
            }
            #expect(!place.exists("finished"))
            try place.write("go")
        }
        #expect(outcome.code == 69, "\(outcome)")
        #expect(place.exists("finished"))
        #expect(try place.lines("messages").last?.hasPrefix("stint: ") == true)
    }

    @Test("a put that waits for its input when the database goes stores nothing and says so")
    func put() async throws {
        try await prepare()
        let line = [UInt8](repeating: 0x61, count: 100_000) + [0x0A]
        let first = Array(repeating: line, count: 20).flatMap(\.self)
        let outcome = try await place.run(
            Workplace.stint, ["put", "--db", "link.db", "--lines"], input: first
        ) {
            try await eventually("it has the database open") { try self.isOpen("data/stint.db-wal") }
            try Change.deleted.happen(in: place)
        }
        #expect(outcome.code == 69 && outcome.bytes.isEmpty, "\(outcome)")
        #expect(outcome.errors.contains("was deleted or moved away"), "\(outcome)")
    }

    /// Whether any process has it open.
    private func isOpen(_ name: String) throws -> Bool {
        let path = place.path(name)
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").contains { id in
            guard Int(id) != nil, let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd")
            else { return false }
            return files.contains {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/fd/\($0)")) == path
            }
        }
    }

    @Test("stint top ends with exit 69 and leaves the terminal as it was")
    func top() async throws {
        try await prepare()
        let terminal = try PseudoTerminal(columns: 100, rows: 30)
        let before = terminal.modes
        let outcome = try await place.stint("top", "--interval", "100ms", "--db", "link.db", on: terminal) { _ in
            try await eventually("it shows the queue") { terminal.picture.contains { $0.contains("default") } }
            try Change.deleted.happen(in: place)
        }
        #expect(outcome.code == 69 && outcome.errors.contains("was deleted or moved away"), "\(outcome)")
        #expect(terminal.modes == before)
    }

    @Test("a database with a second name is refused, and opens when it has one again")
    func hardLink() async throws {
        try await place.stint("put", "x")
        try FileManager.default.linkItem(atPath: place.path("stint.db"), toPath: place.path("other.db"))
        for file in ["stint.db", "other.db"] {
            for command in [["put", "y"], ["stats"], ["doctor"]] {
                let outcome = try await place.attempt(command + ["--db", file])
                #expect(outcome.code == 69 && outcome.errors.contains("has a second name (a hard link)"), "\(outcome)")
            }
        }
        try FileManager.default.removeItem(atPath: place.path("other.db"))
        #expect(try await place.stint("put", "y") == "2\n")
    }

    @Test("a file on a symbolic link: a long log is checkpointed by a reap, and doctor sees its size")
    func longLogBehindLink() async throws {
        try await prepare()
        let outcome = try await place.shell(
            """
            sqlite3 data/stint.db "PRAGMA wal_autocheckpoint = 0; CREATE TABLE other (x);
                INSERT INTO other SELECT randomblob(1000000) FROM (VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9),(10));
                INSERT INTO other SELECT x FROM other;" ".shell stint doctor --db link.db; stint reap --db link.db; stat -c %s data/stint.db"
            """.replacing("stint doctor", with: "\(Workplace.stint) doctor").replacing(
                "stint reap", with: "\(Workplace.stint) reap"))
        #expect(outcome.output.contains(#/log: (19|2\d)\d{3} KiB/#), "\(outcome)")
        let size = outcome.output.split(separator: "\n").compactMap { Int($0) }.max() ?? 0
        #expect(size > 16_777_216, "\(outcome)")
    }
}
