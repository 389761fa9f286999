import Foundation
import Testing

/// The workers in Examples/Pipe do what their README says.
@Suite("stint work --pipe: the example workers", .inOwnFolder, .timeLimit(.minutes(15)))
struct PipeExampleTests {
    let place = Workplace.ofThisTest

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/Pipe").path

    private func putJobs() async throws {
        let lines = """
            {"member":{"name":"Ömer","mail":"oemer@garden.example"}}
            {"member":{"name":"王秀英","mail":"wang@garden.example"},"copyTo":"archive"}
            {"member":{"name":"Ann","mail":"nowhere"}}
            {"member":null}
            """
        try await place.stint("put", "--queue", "mail", "--lines", input: Array(lines.utf8))
        try await place.stint(
            "put", "--queue", "mail", "--max-attempts", "2",
            #"{"member":{"name":"Bo","mail":"bo@garden.example"},"mailServer":"down"}"#)
    }

    private func check() async throws {
        let sent = try place.lines("sent.jsonl")
        #expect(sent.count == 2)
        #expect(sent.contains { $0.contains("Ömer") } && sent.contains { $0.contains("王秀英") })
        #expect(try await place.counts("mail") == QueueDocument(name: "mail", buried: 3, done: 2))
        #expect(try await place.jobs("buried").map(\.id) == [3, 4, 5])
        let copy = try #require(try await place.jobs("ready").first)
        #expect(copy.queue == "archive")
        #expect(try await place.job(copy.id).payload?.contains("王秀英") == true)
        let refused = try await place.job(3)
        #expect((refused.attempts, refused.failures?.map(\.kind)) == (1, ["buried"]))
        #expect(refused.reason?.contains("'nowhere' is not a mail address") == true)
        let down = try await place.job(5)
        #expect((down.attempts, down.crashes) == (2, 0))
        #expect(down.reason?.contains("the mail server does not answer") == true)
    }

    @Test("PHP: its fatal error on a deleted member is three crashes with its own words, and nobody else suffers")
    func php() async throws {
        try await putJobs()
        let outcome = try await place.attempt([
            "work", "--queue", "mail", "--batch", "5", "--retry-delay", "10ms", "--pipe", "--drain", "--", "php",
            "\(Self.folder)/worker.php", "sent.jsonl",
        ])
        #expect(outcome.code == 0, "\(outcome.errors)")
        try await check()
        let deleted = try await place.job(4)
        #expect((deleted.attempts, deleted.crashes) == (3, 3))
        let words = "Call to a member function getMail() on null"
        #expect(deleted.reason?.contains(words) == true)
        for failure in try #require(deleted.failures) {
            #expect((failure.kind, failure.diagnostics?.exitCode) == ("crashed", 255))
            #expect(failure.diagnostics?.standardError?.contains(words) == true)
            #expect(failure.diagnostics?.peakMemoryBytes ?? 0 > 0)
        }
        // Once at the start and once after each death, but for the last, after which nothing is left to do at once.
        #expect((3...4).contains(outcome.errors.components(separatedBy: "worker.php: ready").count - 1))
    }

    @Test("Python: four at once; an exception is answered, and an abort blames only the job that called it")
    func python() async throws {
        try await putJobs()
        for _ in 1...4 {
            try await place.stint(
                "put", "--queue", "mail", #"{"member":{"name":"Slow","mail":"s@garden.example"},"seconds":0.2}"#)
        }
        try await place.stint("put", "--queue", "mail", #"{"abort":true}"#)
        let outcome = try await place.attempt([
            "work", "--queue", "mail", "--concurrency", "4", "--retry-delay", "1ms", "--pipe", "--drain", "--",
            "python3", "\(Self.folder)/worker.py", "sent.jsonl", "4",
        ])
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try await place.counts("mail") == QueueDocument(name: "mail", buried: 4, done: 6))
        let deleted = try await place.job(4)
        #expect((deleted.attempts, deleted.crashes) == (10, 0))
        #expect(deleted.reason?.contains("TypeError") == true)
        let aborted = try await place.job(10)
        #expect((aborted.state, aborted.attempts, aborted.crashes) == ("buried", 3, 3))
        #expect(aborted.failures?.allSatisfy { $0.diagnostics?.signal == "SIGABRT" } == true)
        #expect(Set(try place.lines("sent.jsonl")).count == 6)
    }
}
