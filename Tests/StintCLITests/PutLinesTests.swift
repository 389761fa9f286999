import Testing

@Suite("stint put --lines", .inOwnFolder, .timeLimit(.minutes(15)))
struct PutLinesTests {
    let place = Workplace.ofThisTest

    private func payloads() async throws -> [String?] {
        var payloads: [String?] = []
        for job in try await place.jobs("ready") { payloads.append(try await place.job(job.id).payload) }
        return payloads
    }

    @Test("each line is a job, byte for byte without its line feed, and the count is printed")
    func lines() async throws {
        let text = "first\n\nafter an empty line\r\n  spaces \t\nمرحبا 👋🏽\nno final newline"
        let outcome = try await place.attempt("put", "--lines", input: Array(text.utf8))
        #expect((outcome.code, outcome.output) == (0, "6\n"))
        #expect(
            outcome.errors
                == "stint: 1 line is blank, 1 line ends with a carriage return: they were put unchanged; --trim "
                + "skips blank lines and removes white space at the ends of the others\n")
        let expected = ["first", "", "after an empty line\r", "  spaces \t", "مرحبا 👋🏽", "no final newline"]
        #expect(try await payloads() == expected)
    }

    @Test("--trim leaves blank lines out, takes white space off the ends of the others, and says how many")
    func trim() async throws {
        let text = "first\r\n\n \t\r\n  two words \nthird\r\n\r\nlast"
        let outcome = try await place.attempt("put", "--lines", "--trim", input: Array(text.utf8))
        #expect((outcome.code, outcome.output) == (0, "4\n"))
        #expect(outcome.errors == "stint: 3 lines were blank and were skipped, 3 lines were trimmed\n")
        #expect(try await payloads() == ["first", "two words", "third", "last"])
        #expect(try await place.stint("put", "--lines", "--trim", input: Array("a\nb".utf8)) == "2\n")
    }

    @Test("a final newline ends the last line and starts no other")
    func finalNewline() async throws {
        #expect(try await place.stint("put", "--lines", input: Array("a\nb\n".utf8)) == "2\n")
        #expect(try await payloads() == ["a", "b"])
    }

    @Test("no input is no job")
    func noInput() async throws {
        #expect(try await place.stint("put", "--lines") == "0\n")
        #expect(try await place.jobs("ready").isEmpty)
    }

    @Test("the options go to every line")
    func options() async throws {
        try await place.stint(
            "put", "--lines", "--queue", "mail", "--priority", "3", "--delay", "1h", "--header", "issue=7",
            input: Array("a\nb\n".utf8))
        let jobs = try await place.jobs("delayed")
        #expect(jobs.map(\.id) == [1, 2])
        #expect(jobs.allSatisfy { $0.queue == "mail" && $0.priority == 3 && $0.headers == ["issue": "7"] })
    }

    @Test("more lines than one transaction takes are put in their order")
    func many() async throws {
        let text = (1...2_500).map { "line \($0)" }.joined(separator: "\n")
        #expect(try await place.stint("put", "--lines", input: Array(text.utf8)) == "2500\n")
        #expect(try await place.counts().ready == 2_500)
        #expect(try await place.jobs("ready").map(\.id) == Array(1...2_500))
        for id in [1, 1_000, 1_001, 2_500] { #expect(try await place.job(id).payload == "line \(id)") }
    }

    @Test("a line over 16 MiB is named by its number, and it is said what was put", arguments: [1, 500_000])
    func tooLong(excess: Int) async throws {
        let line = [UInt8](repeating: 0x61, count: 16 * 1_024 * 1_024 + excess)
        let refusal = try await place.refusal(
            "put", "--lines", input: Array("first\nsecond\n".utf8) + line + Array("\nfourth\n".utf8))
        #expect(refusal.code == 65)
        #expect(refusal.sentence.hasPrefix("line 3 has more than 16 MiB"))
        // The lines of one transaction are put together, so the two before it are not.
        #expect(refusal.sentence.hasSuffix("(the first 0 lines were put, the rest was not)"))
        #expect(try await place.counts().ready == 0)
    }

    @Test("a line of exactly 16 MiB fits")
    func longest() async throws {
        let line = [UInt8](repeating: 0x61, count: 16 * 1_024 * 1_024)
        #expect(try await place.stint("put", "--lines", input: line + [0x0A]) == "1\n")
        #expect(try await place.job(1).payloadBytes == line.count)
    }
}
