import Foundation
import StintCore
import StintPlatform
import StintSQLite
import Subprocess
import TestSupport
import Testing

@Suite("stint export and stint import", .inOwnFolder, .timeLimit(.minutes(5)))
struct ExportTests {
    let place = Workplace.ofThisTest

    /// A database with jobs in most states, settings, a schedule and a webhook.
    static func fill(_ place: Workplace, _ database: String) async throws {
        func stint(_ arguments: String...) async throws {
            let outcome = try await place.attempt(arguments + ["--db", database])
            guard outcome.code == 0 else { throw Unexpected(arguments, outcome) }
        }
        try await stint("put", "--queue", "mail", "--unique", "k", "--group", "acme", "--header", "note=é", "Hello")
        try await stint("put", "--queue", "mail", "--delay", "1h", "--priority", "7", "later")
        try await stint("put", "--queue", "mail", "--max-attempts", "3", "bad")
        try await stint("put", "--queue", "other", "x")
        try await stint("bury", "3")
        try await stint("queue", "set", "mail", "--rate", "5/1s", "--group-concurrency", "2")
        try await stint("retain", "mail", "1d")
        try await stint("pause", "mail", "--reason", "the provider is down")
        try await stint("group", "set", "mail", "acme", "--weight", "3")
        try await stint(
            "schedule", "set", "nightly", "--cron", "0 3 * * *", "--timezone", "UTC", "--queue", "other", "go")
        try await stint("schedule", "set", "poll", "--every", "90s", "--queue", "mail", "poll")
        try await stint("schedule", "pause", "poll")
        try await stint("webhook", "set", "ops", "https://hooks.example.com/path", "--on", "buried")
    }

    /// What people see of everything that an export has.
    static func picture(_ place: Workplace, _ database: String) async throws -> [String] {
        var lines: [String] = []
        for arguments in [
            ["stats", "--json"], ["show", "1", "--json"], ["show", "2", "--json"], ["show", "3", "--json"],
            ["show", "4", "--json"], ["queue", "show", "mail", "--json"], ["group", "list", "mail", "--json"],
            ["schedule", "show", "nightly", "--json"], ["schedule", "show", "poll", "--json"],
            ["webhook", "list", "--json"],
        ] {
            let outcome = try await place.attempt(arguments + ["--db", database])
            guard outcome.code == 0 else { throw Unexpected(arguments, outcome) }
            // What has happened when, and in how much time, is of each database alone.
            lines += outcome.output.split(separator: "\n").map { line in
                String(line).replacing(#/"activity":\{.*?\}\]?\}/#, with: "").replacing(#/"oldest[^,}]*/#, with: "")
            }
        }
        return lines
    }

    @Test("a database that is exported and imported is the same for people, and doctor finds nothing")
    func roundTrip() async throws {
        try await Self.fill(place, "a.db")
        #expect(try await place.stint("export", "--db", "a.db", "a.jsonl") == "exported 4 jobs to a.jsonl\n")
        #expect(try place.mode("a.jsonl") == "600")
        #expect(try await place.stint("import", "--check", "a.jsonl") == "complete: 4 jobs in 2 queues\n")
        #expect(!place.exists("b.db"))
        let imported = try await place.attempt("import", "--db", "b.db", "a.jsonl")
        #expect(imported.output == "imported 4 jobs\n" && imported.code == 0, "\(imported)")
        #expect(imported.errors.contains("no secret of the webhook 'ops'"), "\(imported)")
        #expect(try await Self.picture(place, "b.db") == Self.picture(place, "a.db"))
        try await place.stint("doctor", "--db", "b.db")
        // Again, from standard input.
        let again = try await place.attempt("import", "--db", "b.db", input: try place.read("a.jsonl"))
        #expect(again.output == "imported 0 jobs, 4 were here already\n", "\(again)")
        #expect(try await Self.picture(place, "b.db") == Self.picture(place, "a.db"))
        #expect(try await place.stint("put", "--db", "b.db", "new") == "5\n")

        let lines = try place.lines("a.jsonl")
        #expect(lines.first?.hasPrefix(#"{"stint":{"format":1,"version":"#) == true)
        #expect(lines.last?.hasPrefix(#"{"end":{"queues":[{"#) == true)
        #expect(!lines.contains { $0.contains("whsec_") })
    }

    @Test("the secrets of webhooks are exported only if that is asked for, and then they are kept")
    func secrets() async throws {
        try await place.stint("webhook", "set", "ops", "https://example.com/", "--on", "disk")
        let text = try await place.stint("export", "--secrets")
        #expect(text.contains(#""secret":"whsec_"#))
        #expect(try await place.stint("import", "--db", "b.db", input: Array(text.utf8)) == "imported 0 jobs\n")
        let (one, other) = (
            try await JobQueue(.sqlite(place.path("stint.db"))), try await JobQueue(.sqlite(place.path("b.db")))
        )
        let secret = try await one.webhook(named: "ops")?.secret
        #expect(try await other.webhook(named: "ops")?.secret == secret)
        await one.close()
        await other.close()
    }

    @Test("the export of a queue has its jobs, its settings and its schedules, and nothing of others")
    func oneQueue() async throws {
        try await Self.fill(place, "stint.db")
        let lines = try await place.stint("export", "--queue", "other", "-").split(separator: "\n")
        #expect(lines.count == 5, "\(lines)")
        #expect(!lines.contains { $0.contains(#""mail""#) || $0.contains("hooks.example.com") }, "\(lines)")
        let refusal = try await place.refusal("export", "--queue", "nowhere", "x.jsonl")
        #expect(refusal.code == 65 && refusal.sentence.contains("there is no queue 'nowhere'"))
        #expect(!place.exists("x.jsonl"))
    }

    @Test("a job that is running is exported as that, and both commands say how many there were")
    func running() async throws {
        try await place.stint("put", "x")
        let queue = try await JobQueue(.sqlite(place.path("stint.db")))
        let claim = ClaimRequest(queues: ["default"], limit: 1, lease: .seconds(600), worker: "test:1")
        #expect(try await queue.store.claim(claim).count == 1)
        let export = try await place.attempt("export")
        #expect(export.code == 0 && export.output.contains(#""state":"leased""#), "\(export)")
        #expect(export.errors.contains("1 of the jobs were running"), "\(export)")
        let imported = try await place.attempt("import", "--db", "b.db", input: export.bytes)
        #expect(imported.errors.contains("1 of the jobs were running"), "\(imported)")
        #expect(try await place.stint("show", "1", "--db", "b.db").contains("attempts  1 of 10"))
        await queue.close()
    }

    @Test("an existing file is not overwritten, and what is no export creates no database")
    func refusals() async throws {
        try await place.stint("put", "x")
        try place.write("there", [1])
        let refusal = try await place.refusal("export", "there")
        #expect(refusal.code == 65 && refusal.sentence.contains("'there' cannot be created"), "\(refusal)")
        #expect(try place.read("there") == [1])
        for (name, reason) in [("there", "line 1 is not the beginning of an export"), ("gone", "cannot be read")] {
            let refusal = try await place.refusal("import", "--db", "b.db", name)
            #expect(refusal.code == 65 && refusal.sentence.contains(reason), "\(refusal)")
        }
        #expect(!place.exists("b.db"))
        for arguments in [["import", "--tube", "x", "there"], ["import", "--check", "beanstalkd://127.0.0.1:1"]] {
            #expect(try await place.attempt(arguments).code == 64)
        }
    }

    @Test("an export that was cut off is added as far as it goes, and that is an error")
    func cutOff() async throws {
        try await place.stint("put", "--lines", input: Array("a\nb\nc\n".utf8))
        let lines = try await place.stint("export").split(separator: "\n")
        let cut = Array((lines.dropLast(2).joined(separator: "\n") + "\n").utf8)
        let refusal = try await place.refusal("import", "--db", "b.db", input: cut)
        #expect(refusal.code == 65)
        #expect(refusal.sentence.contains("without its last line, so it was cut off"), "\(refusal)")
        #expect(refusal.sentence.contains("imported 2 jobs so far"), "\(refusal)")
        #expect(try await place.stint("list", "--db", "b.db", "--json").split(separator: "\n").count == 2)
        let whole = Array((lines.joined(separator: "\n") + "\n").utf8)
        #expect(
            try await place.stint("import", "--db", "b.db", input: whole) == "imported 1 jobs, 2 were here already\n")
        #expect(try await place.refusal("import", "--check", input: cut).sentence.contains("cut off"))
    }

    @Test("an import that is killed is repeated: nothing is lost and nothing is there twice")
    func killed() async throws {
        let count = 5_000
        let input = (1...count).map { "job \($0)\n" }.joined()
        try await place.stint("put", "--lines", "--queue", "mail", input: Array(input.utf8))
        try await place.stint("export", "all.jsonl")
        let lines = try place.lines("all.jsonl")
        // A pipe that stays open: the import has committed some transactions, and waits for the rest when it is killed.
        let head = Array((lines.prefix(3_500).joined(separator: "\n") + "\n").utf8)
        let script = """
            mkfifo pipe
            "$stint" import --db b.db pipe &
            exec 3> pipe
            cat head >&3
            until test "$("$stint" stats --db b.db --json 2> /dev/null | grep -c '"ready":[1-9]')" = 1 || ! kill -0 $!; do :; done
            kill -9 $!
            wait $!
            echo $?
            """
        try place.write("head", head)
        let killed = try await place.shell(script)
        #expect(killed.output.hasSuffix("137\n"), "\(killed)")
        let partial = try await JobQueue(.sqlite(place.path("b.db")))
        let before = try await partial.stats()[0].ready
        #expect(before > 0 && before < count)
        await partial.close()
        #expect(
            try await place.stint("import", "--db", "b.db", "all.jsonl")
                == "imported \(count - before) jobs, \(before) were here already\n")
        try await place.stint("export", "--db", "b.db", "copy.jsonl")
        #expect(try place.lines("copy.jsonl") == lines)
        try await place.stint("doctor", "--db", "b.db")
    }
}
