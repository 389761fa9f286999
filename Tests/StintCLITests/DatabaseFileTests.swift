import Foundation
import GRDB
import Subprocess
import Testing

/// Files that are no Stint database, or one that this Stint cannot use.
private enum BadFile: String, CaseIterable, Sendable {
    case empty, text, otherProgram, otherProgramWithLog, newerSchema, changedMigration, damagedHeader, damagedPages,
        truncated, folder, missingFolder, pipe

    /// What the message contains beside the file's name.
    var says: String {
        switch self {
        case .empty: "is empty (0 bytes)"
        case .text, .damagedHeader: "is not an SQLite database"
        case .otherProgram, .otherProgramWithLog: "is an SQLite database of another program"
        case .newerSchema: "was made by a newer Stint (schema 16, this one knows 15): upgrade"
        case .changedMigration: "was made with another text of the migration v001_jobs"
        case .damagedPages, .truncated: "is corrupt"
        case .folder, .pipe: "is not a regular file"
        case .missingFolder: "there is no folder 'missing'"
        }
    }

    /// Creates it and returns its path.
    func make(in place: Workplace) async throws -> String {
        let file = "bad.db"
        switch self {
        case .empty: try place.write(file)
        case .text: try place.write(file, Array(String(repeating: "Dear members,\n", count: 1_000).utf8))
        case .otherProgram, .otherProgramWithLog:
            let database = try DatabaseQueue(path: place.path(file))
            try await database.writeWithoutTransaction { database in
                if self == .otherProgramWithLog { try database.execute(sql: "PRAGMA journal_mode = WAL") }
                try database.execute(sql: "CREATE TABLE song (id INTEGER PRIMARY KEY, title TEXT)")
            }
            try database.close()
        case .newerSchema:
            try await place.changeDatabase(
                file, "INSERT INTO stint_migrations VALUES (999, 'v999_future', 'CREATE TABLE future (x)', 0)")
        case .changedMigration:
            try await place.changeDatabase(file, "UPDATE stint_migrations SET sql = sql || ' '")
        case .damagedHeader:
            try await place.damageDatabase(file) { $0.replaceSubrange(..<16, with: repeatElement(0x58, count: 16)) }
        case .damagedPages:
            try await place.damageDatabase(file) { bytes in
                bytes.replaceSubrange(4_096..., with: repeatElement(0xA5, count: bytes.count - 4_096))
            }
        case .truncated: try await place.damageDatabase(file) { $0.removeSubrange(8_192...) }
        case .folder:
            try FileManager.default.createDirectory(atPath: place.path(file), withIntermediateDirectories: false)
        case .pipe: guard mkfifo(place.path(file), 0o600) == 0 else { throw Failed(errno) }
        case .missingFolder: return "missing/stint.db"
        }
        return file
    }
}

private struct Failed: Error {
    let code: CInt
    init(_ code: CInt) { self.code = code }
}

extension Workplace {
    /// A sound database with one job, changed by another program.
    fileprivate func changeDatabase(_ file: String, _ sql: String) async throws {
        try await stint("put", "x", "--db", file)
        let database = try DatabaseQueue(path: path(file))
        try await database.write { try $0.execute(sql: sql) }
        try database.close()
    }

    fileprivate func damageDatabase(_ file: String, _ damage: (inout [UInt8]) -> Void) async throws {
        try await changeDatabase(file, "SELECT 1")
        var bytes = try read(file)
        damage(&bytes)
        try write(file, bytes)
    }

    /// Removes the log's files, which a process may leave behind, and which the next one creates again.
    fileprivate func removeLog(of file: String) throws {
        for name in ["\(file)-wal", "\(file)-shm"] where exists(name) {
            try FileManager.default.removeItem(atPath: path(name))
        }
    }
}

@Suite("A file that cannot be used is left as it is", .inOwnFolder, .timeLimit(.minutes(15)))
struct DatabaseFileTests {
    let place = Workplace.ofThisTest

    private static let commands: [[String]] = [
        ["put", "x"], ["put", "--lines"], ["work", "--drain", "--", "true"], ["reap"], ["stats"], ["list"],
        ["show", "1"],
        ["kick"], ["bury", "1"], ["cancel", "1"], ["delete", "1"], ["pause", "q"], ["resume", "q"],
        ["retain", "q", "1d"], ["queue", "set", "q", "--concurrency", "1"], ["queue", "show", "q"],
        ["group", "list", "q"], ["group", "set", "q", "g", "--weight", "2"], ["backup", "copy.db"], ["doctor"],
        ["schedule", "set", "s", "--every", "1m", "x"], ["schedule", "list"],
    ]

    @Test(
        "every command says what is wrong and what to do, exits with 69, and writes nothing",
        arguments: BadFile.allCases)
    private func refused(file: BadFile) async throws {
        let path = try await file.make(in: place)
        let before = try place.snapshot()
        for command in Self.commands {
            var arguments = command
            let isInner = ["queue", "group", "schedule"].contains(command[0])
            arguments.insert(contentsOf: ["--db", path], at: isInner ? 2 : 1)
            let outcome = try await place.run(Workplace.stint, .init(arguments))
            let refusal = try #require(Refusal(outcome), "\(command): \(outcome)")
            #expect(refusal.code == 69, "\(command)")
            #expect(refusal.sentence.contains("'\(path)'") && refusal.sentence.contains(file.says), "\(command)")
            #expect(try place.snapshot() == before, "\(command)")
        }
    }

    @Test(
        "a command that only looks makes no database",
        arguments: [
            "stats", "list", "show 1", "kick", "reap", "doctor", "backup b", "delete 1", "bury 1", "cancel 1",
            "resume q", "schedule list",
        ])
    func missing(command: String) async throws {
        let outcome = try await place.run(Workplace.stint, .init(command.split(separator: " ").map(String.init)))
        let refusal = try #require(Refusal(outcome))
        #expect(refusal.code == 69)
        #expect(
            refusal.sentence
                == "the database 'stint.db' does not exist: create it, or name another one (`stint put` creates it; --db or STINT_DB names another one)"
        )
        #expect(try place.snapshot().isEmpty)
    }

    @Test("damage beyond the first tables is found by what meets it, and doctor says what to do")
    func damagedData() async throws {
        try await place.stint("put", "--lines", input: Array((1...5_000).map { "payload \($0)\n" }.joined().utf8))
        try await place.changeDatabase("stint.db", "SELECT 1")
        var bytes = try place.read("stint.db")
        let sound = 40 * 4_096
        bytes.replaceSubrange(sound..., with: repeatElement(0xA5, count: bytes.count - sound))
        try place.write("stint.db", bytes)
        let before = try place.read("stint.db")
        for command in [["list", "--json", "--limit", "10000"], ["put", "x"], ["doctor"]] {
            let outcome = try await place.run(Workplace.stint, .init(command))
            let said = outcome.output + outcome.errors
            #expect(
                said.contains("corrupt") && said.contains("stint restore") && said.contains(".dump"),
                "\(command): \(outcome)")
            // doctor can report what is wrong if it can read at all.
            #expect(outcome.code == 69 || outcome.code == 1 && command == ["doctor"], "\(command): \(outcome)")
        }
        #expect(try place.read("stint.db") == before)
    }

    // MARK: - Permissions

    /// A user with few rights: with root's powers the tests run as nobody.
    private func other() throws -> (stint: String, options: PlatformOptions) {
        var options = PlatformOptions()
        guard getuid() == 0 else { return (Workplace.stint, options) }
        options.userID = 65_534
        options.groupID = 65_534
        options.supplementaryGroups = []
        chmod(place.folder, 0o755)
        // The checkout may lie in a folder that only root can enter.
        let copy = place.path("stint")
        if !place.exists("stint") { try FileManager.default.copyItem(atPath: Workplace.stint, toPath: copy) }
        chmod(copy, 0o755)
        return (copy, options)
    }

    private func expectRefusals(_ path: String, _ says: String) async throws {
        let (stint, options) = try other()
        let before = try place.snapshot()
        for command in [["put", "x"], ["work", "--drain", "--", "true"], ["reap"]] {
            var arguments = command
            arguments.insert(contentsOf: ["--db", path], at: command[0] == "schedule" ? 2 : 1)
            let outcome = try await place.run(stint, .init(arguments), options: options)
            let refusal = try #require(Refusal(outcome), "\(command): \(outcome)")
            #expect(refusal.code == 69, "\(command)")
            #expect(refusal.sentence.contains("'\(path)'") && refusal.sentence.contains(says), "\(command): \(refusal)")
        }
        #expect(try place.snapshot() == before)
    }

    private func makeFolder(_ name: String, mode: mode_t, databaseMode: mode_t?) async throws {
        try FileManager.default.createDirectory(atPath: place.path(name), withIntermediateDirectories: false)
        if let databaseMode {
            try await place.changeDatabase("\(name)/stint.db", "SELECT 1")
            try place.removeLog(of: "\(name)/stint.db")
            chmod(place.path("\(name)/stint.db"), databaseMode)
        }
        chmod(place.path(name), mode)
    }

    @Test("a folder that may not be written to is refused by what writes")
    func readOnlyFolder() async throws {
        try await makeFolder("locked", mode: 0o555, databaseMode: 0o666)
        try await expectRefusals("locked/stint.db", "is in the folder 'locked', which this user may not write to")
    }

    @Test("a file that may not be read, or not be written", arguments: [0o000, 0o444] as [mode_t])
    func lockedFile(mode: mode_t) async throws {
        try await makeFolder("open", mode: 0o777, databaseMode: mode)
        try await expectRefusals("open/stint.db", "may not be read and written by this user")
        guard mode == 0 else { return }
        let (stint, options) = try other()
        let outcome = try await place.run(stint, ["stats", "--db", "open/stint.db"], options: options)
        #expect(Refusal(outcome)?.sentence.contains("may not be read by this user") == true, "\(outcome)")
    }

    @Test("a user who may only read can use the commands that only read, and they leave nothing behind")
    func readOnlyUser() async throws {
        try await makeFolder("locked", mode: 0o555, databaseMode: 0o444)
        let (stint, options) = try other()
        let before = try place.snapshot()
        for command in [
            ["stats"], ["list"], ["show", "1"], ["workers"], ["doctor"], ["top", "--once", "--interval", "100ms"],
        ] {
            let outcome = try await place.run(
                stint, .init(command + ["--db", "locked/stint.db"]), options: options)
            #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(command): \(outcome)")
        }
        #expect(try place.snapshot() == before)
    }

    @Test("a user who may only read sees what others commit while they run")
    func readOnlyBesideWriter() async throws {
        try await makeFolder("locked", mode: 0o755, databaseMode: 0o644)
        let (stint, options) = try other()
        let input = Array("a\n".utf8)
        _ = try await place.run(Workplace.stint, ["put", "--db", "locked/stint.db", "--lines"], input: input)
        let outcome = try await place.run(stint, ["stats", "--json", "--db", "locked/stint.db"], options: options)
        #expect(outcome.output.contains(#""ready":2"#), "\(outcome)")
        let put = try await place.run(stint, ["put", "x", "--db", "locked/stint.db"], options: options)
        #expect(put.code == 69, "\(put)")
    }

    @Test("a folder that may not be entered")
    func closedFolder() async throws {
        try await makeFolder("closed", mode: 0o700, databaseMode: 0o666)
        let (stint, options) = try other()
        let before = try place.snapshot()
        chmod(place.path("closed"), 0)
        let outcome = try await place.run(stint, ["stats", "--db", "closed/stint.db"], options: options)
        chmod(place.path("closed"), 0o700)
        let refusal = try #require(Refusal(outcome), "\(outcome)")
        #expect(refusal.code == 69)
        #expect(refusal.sentence.contains("a folder on the way to it may not be entered by this user"))
        #expect(try place.snapshot() == before)
    }

    @Test("a new database in a folder that may not be written to")
    func newInReadOnlyFolder() async throws {
        try await makeFolder("locked", mode: 0o555, databaseMode: nil)
        let (stint, options) = try other()
        let outcome = try await place.run(stint, ["put", "x", "--db", "locked/stint.db"], options: options)
        let refusal = try #require(Refusal(outcome), "\(outcome)")
        #expect(refusal.code == 69)
        #expect(refusal.sentence.contains("is in the folder 'locked', which this user may not write to"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path("locked")).isEmpty)
    }
}
