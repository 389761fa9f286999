import Foundation
import Testing

@Suite("stint work: hints at what may be wrong, and how a drain ends", .inOwnFolder, .timeLimit(.minutes(15)))
struct DrainTests {
    let place = Workplace.ofThisTest

    private func lines(_ outcome: Outcome) -> [String] {
        outcome.errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("stint: ") }
    }

    @Test("a drain says which jobs were buried meanwhile and why, and not which were before")
    func buried() async throws {
        try await place.stint("put", "old")
        try await place.stint("bury", "1")
        for text in ["good", "bad"] { try await place.stint("put", text) }
        try await place.stint("put", "bad", "--queue", "mail")
        let script = #"case "$(cat)" in bad) echo "no such address" >&2; exit 65;; esac"#
        let outcome = try await place.attempt(
            "work", "--queue", "default", "--queue", "mail", "--drain", "--", "sh", "-c", script)
        #expect(outcome.code == 0)
        let reason = "was buried: the command refused the job (exit 65): no such address"
        #expect(
            lines(outcome) == [
                "stint: 2 jobs were buried meanwhile; see stint list --queue default --state buried",
                "stint: job 3 in queue 'default' \(reason)", "stint: job 4 in queue 'mail' \(reason)",
            ])
    }

    @Test(
        "--fail-if-buried ends with 1 when a job was buried, and only then", arguments: [("exit 65", 1), ("exit 0", 0)])
    func failIfBuried(script: String, code: CInt) async throws {
        for _ in 1...7 { try await place.stint("put", "x") }
        let outcome = try await place.attempt("work", "--drain", "--fail-if-buried", "--", "sh", "-c", script)
        #expect(outcome.code == code)
        #expect(lines(outcome).count == (code == 0 ? 0 : 7))
        #expect(lines(outcome).last == (code == 0 ? nil : "stint: and 2 more"))
    }

    @Test("a drain of a paused queue says what it waits for, and goes on when the queue is resumed")
    func paused() async throws {
        try await place.stint("put", "x", "--queue", "mail")
        try await place.stint("pause", "mail")
        let log = place.path("log")
        let script = """
            "$stint" work --queue mail --drain -- true 2> log & worker=$!
            tries=0; until grep -q 'drain waits' log; do sleep 0.01; [ $((tries += 1)) -lt 6000 ] || break; done
            "$stint" resume mail; wait $worker
            """
        let outcome = try await place.shell(script)
        #expect((outcome.code, outcome.output) == (0, "resumed mail\n"), "\(outcome)")
        let said = try place.lines("log").filter { $0.contains("paused") }
        let sentence = "queue 'mail' is paused, with 1 job waiting: none of them is started until stint resume mail"
        #expect(said == ["stint: \(sentence)", "stint: the drain waits: \(sentence)"], "\(log)")
        #expect(try await place.counts("mail").done == 1)
    }

    @Test(
        "a queue that nothing was ever put into is mentioned once, with what may have been meant",
        arguments: [
            ("mial", "nothing was ever put into queue 'mial'; did you mean 'mail'?"),
            ("other", "nothing was ever put into queue 'other'"),
            ("mail,news", "'mail,news' is taken for the name of one queue"),
            ("*", "'*' is taken for the name of a queue"),
            (
                "ma*",
                "'ma*' is taken for the name of a queue, not for a pattern, and nothing was ever put into it; write --queue mail"
            ),
            (
                "x*",
                "'x*' is taken for the name of a queue, not for a pattern, and nothing was ever put into it; for several queues repeat --queue"
            ),
        ])
    func unknown(queue: String, says: String) async throws {
        try await place.stint("put", "x", "--queue", "mail")
        let outcome = try await place.attempt(
            "work", "--queue", queue, "--queue", queue, "--workers", "2", "--drain", "--", "true")
        #expect(outcome.code == 0)
        try #require(lines(outcome).count == 1, "\(outcome)")
        #expect(lines(outcome)[0].hasPrefix("stint: \(says)"))
    }

    @Test("a queue with an unusual name that has jobs is no mistake")
    func unusual() async throws {
        for queue in ["a,b", "*"] {
            try await place.stint("put", "x", "--queue", queue)
            try await place.stint("work", "--queue", queue, "--drain", "--", "true")
        }
    }

    @Test("of two queues whose names differ only in their bytes, a drain works on the one that was named, and ends")
    func normalisation() async throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        for name in [composed, decomposed, composed] { try await place.stint("put", "x", "--queue", name) }
        try await place.stint("work", "--queue", decomposed, "--drain", "--", "true")
        let stats = try await place.stint("stats", "--json")
        #expect(stats.utf8.count { $0 == UInt8(ascii: "{") } == 3, "two queues")
        let lists = try await [composed, decomposed].asyncMap { try await place.stint("list", "--queue", $0, "--json") }
        #expect(lists.map { $0.split(separator: "\n").count } == [2, 0])
        try await place.stint("work", "--queue", composed, "--queue", decomposed, "--drain", "--", "true")
        #expect(try await place.stint("list").isEmpty)
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
