import Subprocess
import Testing

@Suite("stint stats, list and show", .inOwnFolder, .timeLimit(.minutes(15)))
struct InspectTests {
    let place = Workplace.ofThisTest

    /// One job in each state, in the queue `all`: 1 ready, 2 delayed, 3 buried, 4 done.
    private func fill() async throws {
        try await place.stint("retain", "all", "1d")
        try await place.stint("put", "--queue", "all", "to be done", "--priority", "0")
        try await place.stint("work", "--queue", "all", "--drain", "--", "true")
        try await place.stint("put", "--queue", "all", "ready")
        try await place.stint("put", "--queue", "all", "delayed", "--delay", "1h")
        try await place.stint("put", "--queue", "all", "buried")
        try await place.stint("bury", "4")
    }

    @Test("stats --json is one document with these keys")
    func statsJSON() async throws {
        try await fill()
        try await place.stint("put", "x")
        try await place.stint("pause", "default")
        #expect(
            try await place.stint("stats", "--json") == """
                {"queues":[{"buried":1,"cancelled":0,"delayed":1,"done":1,"expired":0,"leased":0,\
                "name":"all","paused":false,"ready":1},\
                {"buried":0,"cancelled":0,"delayed":0,"done":0,"expired":0,"leased":0,\
                "name":"default","paused":true,"ready":1}]}

                """)
    }

    @Test("stats is a table for people")
    func stats() async throws {
        try await place.stint("put", "x")
        try await place.stint("pause", "default")
        #expect(
            try await place.stint("stats") == """
                queue    ready  delayed  leased  buried  done  cancelled  expired
                default      1        0       0       0     0          0        0  paused

                """)
        try await place.stint("delete", "1")
        #expect(try await place.counts() == QueueDocument(name: "default", paused: true))
    }

    @Test("list takes a queue, a state and a limit, and --json prints an object a line")
    func list() async throws {
        try await fill()
        try await place.stint("put", "elsewhere")
        #expect(try await place.jobs("ready").map(\.id) == [2, 5])
        #expect(try await place.jobs("delayed").map(\.id) == [3])
        #expect(try await place.jobs("buried").map(\.reason) == ["buried manually"])
        #expect(try await place.jobs("done").map(\.id) == [1])
        #expect(try await place.jobs("leased").isEmpty)
        #expect(try await place.stint("list", "--json").split(separator: "\n").count == 5)
        #expect(try await place.stint("list", "--json", "--limit", "2").split(separator: "\n").count == 2)
        #expect(try await place.stint("list", "--json", "--queue", "default").split(separator: "\n").count == 1)
        #expect(try await place.stint("list", "--queue", "unknown") == "")
        let table = try await place.stint("list", "--queue", "all").split(separator: "\n")
        #expect(table.map { $0.split(separator: " ")[0] } == ["id", "2", "3", "4", "1"])
        #expect(table[3].contains("buried manually"))
    }

    @Test("a list that may go on says so to a person, and not to a program")
    func limit() async throws {
        try await place.stint("put", "--lines", input: Array("a\nb\nc\n".utf8))
        let table = try await place.attempt("list", "--limit", "2")
        #expect(table.code == 0)
        #expect(table.output.split(separator: "\n").count == 3)
        #expect(table.errors == "stint: these are the first 2; --limit shows more\n")
        #expect(try await place.stint("list", "--limit", "2", "--json").split(separator: "\n").count == 2)
    }

    @Test("list takes a query, in one argument or several, and says what is wrong with one")
    func query() async throws {
        try await fill()
        func ids(_ arguments: String...) async throws -> [Substring] {
            try await place.run(Workplace.stint, Arguments(["list"] + arguments)).output.split(separator: "\n")
                .dropFirst()
                .map { $0.drop { $0 == " " }.prefix { $0 != " " } }
        }
        #expect(try await ids("queue:all state:buried error:\"BURIED manually\"") == ["4"])
        #expect(try await ids("state:ready", "state:done") == ["2", "1"])
        #expect(try await ids("state:ready state:delayed", "--reverse", "--queue", "all") == ["2", "3"])
        #expect(try await ids("--state", "delayed", "--", "-state:done") == ["3"])
        #expect(try await ids("age:>1h") == [])
        #expect(try await ids("age:<1h attempts:>0") == ["1"])
        #expect(try await ids("\"to be done\"") == ["1"])
        let refusal = try await place.refusal("list", "age:1h")
        #expect(refusal.code == 65 && refusal.sentence.hasPrefix("the term 'age:1h' is not understood: write > or <"))
    }

    @Test("list goes by priority, then by age")
    func order() async throws {
        for priority in ["5", "1", "5", "1"] { try await place.stint("put", "x", "--priority", priority) }
        #expect(try await place.jobs("ready").map(\.id) == [2, 4, 1, 3])
    }

    @Test("show tells a person everything")
    func show() async throws {
        try await place.stint("put", "the payload", "--header", "issue=7", "--unique", "k", "--max-attempts", "1")
        _ = try await place.attempt("work", "--drain", "--", "sh", "-c", "echo 'no such member' >&2; exit 3")
        let text = try await place.stint("show", "1")
        for part in [
            "buried", "no such member", "exit 3", "the payload", "issue: 7", "attempt 1", "1 of 1", "crashes 0 of 3",
        ] {
            #expect(text.contains(part))
        }
    }

    @Test("a job that is not there is bad data", arguments: ["show", "kick", "bury", "delete"])
    func notFound(command: String) async throws {
        try await place.stint("put", "x")
        let refusal = try await place.refusal(command, "7")
        #expect(refusal.code == 65)
        #expect(refusal.sentence.hasPrefix("no job has the id 7"))
    }

    @Test("a list of more jobs than a page has is whole, in its order, as JSON and as a table with straight columns")
    func longList() async throws {
        try await place.stint("put", "--lines", input: Array((1...2_300).map { "\($0)\n" }.joined().utf8))
        let documents = try await place.stint("list", "--json", "--limit", "1000000").split(separator: "\n")
        #expect(documents.count == 2_300)
        let table = try await place.stint("list", "--limit", "2300").split(separator: "\n")
        #expect(table.count == 2_301)
        #expect(table.dropFirst().map { $0.drop { $0 == " " }.prefix { $0 != " " } } == (1...2_300).map { "\($0)" })
        #expect(Set(table.dropFirst(1_001).map { $0.range(of: "default")?.lowerBound.utf16Offset(in: $0) }).count == 1)
        let outcome = try await place.attempt("list", "--limit", "1500")
        #expect(outcome.output.split(separator: "\n").count == 1_501)
        #expect(outcome.errors == "stint: these are the first 1500; --limit shows more\n")
    }
}
