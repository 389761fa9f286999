import Foundation
import GRDB
import StintCore
import StintPlatform
import StintSQLite
import StintSQLiteMigrations
import Subprocess
import Testing
import Torture

@Suite("An upgrade", .timeLimit(.minutes(5)))
struct UpgradeTests {
    private static let current = SQLiteMigrations.all.count

    @Test("every migration has a fixture")
    func fixtures() {
        #expect(Fixture.contents.count == SQLiteMigrations.all.count)
        #expect(SQLiteMigrations.all.map(\.version) == Array(1...SQLiteMigrations.all.count))
    }

    @Test("a fixture has a row in every table of its schema", arguments: 1...Fixture.contents.count)
    func full(version: Int) throws {
        let folder = try TemporaryFolder()
        try Fixture.make(version: version, at: folder.database)
        for (table, rows) in try Contents(of: folder.database).tables { #expect(!rows.isEmpty, "\(table)") }
    }

    @Test("of every earlier schema loses nothing", arguments: 1...Fixture.contents.count)
    func losesNothing(version: Int) async throws {
        let folder = try TemporaryFolder()
        try Fixture.make(version: version, at: folder.database)
        let before = try Contents(of: folder.database)
        let store = try SQLiteStore(path: folder.database)
        let after = try Contents(of: folder.database)
        #expect(before.missing(in: after) == [])
        if version == Self.current { #expect(before == after) }
        for finding in try await store.examine() { #expect(finding.isGood, "\(finding)") }
    }

    @Test(
        "happens once and loses nothing while eight processes open the file and a ninth holds the write lock",
        arguments: 1...Fixture.contents.count)
    func race(version: Int) async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        try Fixture.make(version: version, at: path)
        let before = try Contents(of: path)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let ninth = try DatabaseQueue(path: path, configuration: configuration)
        let waiting = Tally()
        try await ninth.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...8 {
                group.addTask {
                    let end = try await otherVersion(Self.current, path, "open") { line in
                        if line == "opening" { waiting.add() }
                    }
                    #expect(end.status == .exited(0), "\(end.errors)")
                }
            }
            group.addTask {
                try await waiting.reach(8)
                try await ninth.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
            }
            try await group.waitForAll()
        }
        try ninth.close()
        let after = try Contents(of: path)
        #expect(before.missing(in: after) == [])
        #expect(after.tables["stint_migrations"]?.count == Self.current)
    }

    @Test(
        "under a running process of an older version: it is told so at its next transaction, and what it was told counts",
        // This program acts as the older one, so that one has this schema: its statements need the columns of its
        // migrations.
        arguments: [(SQLiteMigrations.all.count, SQLiteMigrations.all.count + 1)])
    func olderBeside(older: Int, newer: Int) async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        try Fixture.make(version: older, at: path)
        let answers = Answers()
        let working = Tally()
        async let work = otherVersion(older, path, "work") { line in
            answers.add(line)
            working.add()
        }
        try await working.reach(10)
        let queue = try await JobQueue(.sqlite(path, options: OtherVersion.options(schema: newer)))
        let end = try await work
        #expect(end.status == .exited(69))
        #expect(
            end.errors
                == "databaseUnusable: '\(path)' was migrated by a newer Stint while this program had it open (schema \(newer), "
                + "this one knows \(older)); nothing was changed: restart this program with that version\n")
        for finding in try await queue.store.examine() { #expect(finding.isGood, "\(finding)") }
        let (put, acknowledged) = (answers.ids("put"), answers.ids("acknowledged"))
        #expect(answers.ids("lost").isEmpty && !acknowledged.isEmpty)
        for id in put {
            let isThere = try await queue.store.job(JobID(rawValue: id)) != nil
            #expect(isThere != acknowledged.contains(id), "job \(id)")
        }
    }

    @Test("a process of an older version that starts afterwards is refused, and changes nothing")
    func olderAfterwards() async throws {
        let folder = try TemporaryFolder()
        let path = folder.database
        do { _ = try SQLiteStore(path: path) }
        let before = try Contents(of: path)
        let end = try await otherVersion(Self.current - 1, path, "work") { _ in }
        #expect(end.status == .exited(69))
        #expect(
            end.errors.contains(
                "was made by a newer Stint (schema \(Self.current), this one knows \(Self.current - 1))"))
        let after = try Contents(of: path)
        #expect(before == after)
    }

    @Test("an application's own tables may change while Stint has the file open")
    func foreignSchemaChange() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [1], in: "q")
        let application = try DatabaseQueue(path: folder.database)
        try await application.write { try $0.execute(sql: "CREATE TABLE orders (id)") }
        try await queue.enqueue(payload: [2], in: "q")
        let ready = try await queue.store.stats().map(\.ready)
        #expect(ready == [2])
    }

    @Test("an enqueue in an application's own transaction is refused too")
    func applicationsTransaction() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        _ = try SQLiteStore(path: folder.database, options: OtherVersion.options(schema: Self.current + 1))
        let application = try DatabaseQueue(path: folder.database)
        let error = #expect(throws: StintError.self) {
            try application.write { try queue.enqueue(jobs: [NewJob([1], in: "q")], with: $0) }
        }
        #expect(error?.code == .databaseUnusable)
        let reading = await #expect(throws: StintError.self) { _ = try await queue.store.stats() }
        #expect(reading?.code == .databaseUnusable)
    }
}

/// Runs a process of another version to its end.
private func otherVersion(
    _ schema: Int, _ path: String, _ kind: String, _ line: @escaping @Sendable (String) -> Void
) async throws -> (status: TerminationStatus, errors: String) {
    let result = try await Subprocess.run(
        .path(FilePath(stintTorture)), arguments: ["other-version", "--schema", "\(schema)", "--db", path, kind],
        input: .none, output: .sequence, error: .string(limit: 1 << 20)
    ) { execution in
        for try await text in execution.standardOutput.strings() { line(text) }
    }
    return (result.terminationStatus, result.standardError)
}
