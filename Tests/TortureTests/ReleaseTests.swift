import Foundation
import StintPlatform
import StintSQLite
import StintSQLiteMigrations
import Subprocess
import Testing
import Torture

/// Databases that releases have made themselves (packaging/release-database.sh): jobs in every state, and a supervisor and
/// workers that were killed in the middle of their jobs, with a write-ahead log that was not checkpointed.
@Suite("An upgrade from a release", .timeLimit(.minutes(5)))
struct ReleaseTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let folder = root.appending(path: "Tests/Releases").path
    private static let releases = (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
    private static let stint = (Bundle.main.executableURL?.deletingLastPathComponent().path ?? ".") + "/stint"

    @Test("every release in CHANGELOG.md has left a database, and no other")
    func databases() throws {
        #expect(try Set(Self.releases) == Set(Self.releasesInChangelog()))
    }

    @Test("the newest release in CHANGELOG.md is the version that `stint --version` prints")
    func version() async throws {
        let newest = try #require(try Self.releasesInChangelog().first)
        #expect(try await Self.run("--version") == "stint \(newest)\n")
    }

    @Test("the documentation names no other version of Stint")
    func documentation() async throws {
        let version = try #require(try await Self.run("--version").split(separator: /\s/).last)
        let guides = try FileManager.default.subpathsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
            .map { "Sources/\($0)" }
        let documents = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "docs").path)
            .map { "docs/\($0)" }
        // As a dependency (`stint", from: "1.2.3"`), or as the name of a package (`stint_1.2.3-1_amd64.deb`).
        let mention = /stint(?:\.git)?(?:",\s*(?:from|exact):\s*"|_)(\d+\.\d+\.\d+)/
        for document in ["README.md", "CONTRIBUTING.md"] + documents + guides where document.hasSuffix(".md") {
            let text = try String(contentsOf: Self.root.appending(path: document), encoding: .utf8)
            for match in text.matches(of: mention) { #expect(match.1 == version, "\(document)") }
        }
    }

    @Test("the database has a row in every table, in every state", arguments: releases)
    func full(release: String) throws {
        let folder = try TemporaryFolder()
        try Self.copy(release, to: folder)
        for (table, rows) in try Contents(of: folder.database).tables { #expect(!rows.isEmpty, "\(table)") }
    }

    @Test("loses nothing, with a log that was not checkpointed", arguments: releases)
    func losesNothing(release: String) async throws {
        // The look at what was there empties the log, so it has a copy of its own.
        let folder = try TemporaryFolder()
        let other = try TemporaryFolder()
        try Self.copy(release, to: folder)
        try Self.copy(release, to: other)
        let before = try Contents(of: other.database)
        let store = try SQLiteStore(path: folder.database)
        let after = try Contents(of: folder.database)
        #expect(before.missing(in: after) == [])
        #expect(after.tables["stint_migrations"]?.count == SQLiteMigrations.all.count)
        for finding in try await store.examine() { #expect(finding.isGood, "\(finding)") }
    }

    @Test(
        "finds the jobs of its dead workers and works through all jobs, in the command line's own words",
        arguments: releases)
    func worksThrough(release: String) async throws {
        let folder = try TemporaryFolder()
        try Self.copy(release, to: folder)
        let database = ["--db", folder.database]
        let leased = try await Self.jobs("leased", database)
        #expect(leased.count == 6)
        // Nothing proves that the workers are dead, but their leases have run out; no job is blamed.
        #expect(try await Self.run(["reap"] + database) == "requeued \(leased.count), buried 0, pruned 0\n")
        #expect(try await Self.jobs("leased", database).isEmpty)

        // All that can keep a job from running is taken away.
        try await Self.run(["resume", "paused"] + database)
        try await Self.run(["run"] + Self.jobs("delayed", database) + database)
        try await Self.run(["kick"] + Self.jobs("buried", database) + database)
        let ready = try await Self.jobs("ready", database)
        let queues = ["ready", "paused", "delayed", "failing", "buried", "sql", "leased"]
        for queue in queues { try await Self.run(["retain", queue, "1h"] + database) }
        try await Self.run(["work", "--drain"] + queues.flatMap { ["--queue", $0] } + database + ["--", "true"])
        let done = try await Self.jobs("done", database)
        #expect(Set(ready).isSubset(of: done) && done.count == ready.count + 3)
        for state in ["ready", "delayed", "leased", "buried"] {
            #expect(try await Self.jobs(state, database) == [], "\(state)")
        }
        #expect(try await Self.run(["put", "--queue", "ready", "new"] + database) == "\(done.count + 1)\n")
        try await Self.run(["doctor"] + database)
    }

    // MARK: -

    /// The versions in the headings `## 1.2.3`, the newest first.
    private static func releasesInChangelog() throws -> [String] {
        let text = try String(contentsOf: root.appending(path: "CHANGELOG.md"), encoding: .utf8)
        return text.matches(of: /(?m)^## (\d+\.\d+\.\d+)\b/).map { String($0.1) }
    }

    private static func copy(_ release: String, to folder: borrowing TemporaryFolder) throws {
        for name in ["stint.db", "stint.db-wal"] {
            try FileManager.default.copyItem(
                atPath: "\(self.folder)/\(release)/\(name)", toPath: "\(folder.path)/\(name)")
        }
    }

    private static func jobs(_ state: String, _ database: [String]) async throws -> [String] {
        let output = try await run(["list", "--state", state, "--json", "--limit", "1000"] + database)
        return output.matches(of: /"id":(\d+)/).map { String($0.1) }
    }

    private static func run(_ arguments: String...) async throws -> String { try await run(arguments) }

    /// The output of a `stint` that ends well.
    @discardableResult
    private static func run(_ arguments: [String]) async throws -> String {
        let result = try await Subprocess.run(
            .path(FilePath(stint)), arguments: Arguments(arguments), output: .string(limit: 1 << 24),
            error: .string(limit: 1 << 24))
        #expect(result.terminationStatus == .exited(0), "stint \(arguments)\n\(result.standardError)")
        return result.standardOutput
    }
}
