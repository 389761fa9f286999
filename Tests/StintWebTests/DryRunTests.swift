import Foundation
import Stint
import StintCore
import StintTesting
import Synchronization
import Testing

@testable import StintWeb

@Suite("Dry runs from the dashboard", .timeLimit(.minutes(5)))
struct DryRunTests {
    private typealias Perform = @Sendable (JobID) async throws -> DryRunReport

    private static func command(_ script: String, _ queue: JobQueue<InMemoryStore>) throws -> Perform {
        let dryRun = try DryRun(["/bin/sh", "-c", script])
        return { try await dryRun.run($0, of: queue) }
    }

    private static func options(_ dryRuns: [QueueName: Perform], _ redacted: Set<String> = []) -> (
        inout Dashboard.Options
    ) -> Void {
        {
            $0.dryRuns = dryRuns
            $0.redacted = redacted
        }
    }

    @Test("a buried job's page has a button, and the page after it shows the output, escaped; the job stays as it is")
    func output() async throws {
        let queue = try await sampleQueue()
        let run = try Self.command(#"cat; echo '<script>alert(1)</script>'; echo '<b>oops' >&2; exit 3"#, queue)
        let before = try await queue.job(JobID(rawValue: 2))?.record
        try await withServer(queue, change: Self.options(["mail": run])) { client, _ in
            let job = try await client.send("GET", "/jobs/2")
            #expect(job.body.contains(#"action="/jobs/2/dry-runs""#))
            let ready = try await client.send("GET", "/jobs/1")
            #expect(!ready.body.contains("dry-runs"))
            let begun = try await client.send("POST", "/jobs/2/dry-runs")
            same(begun.status, 303)
            let location = try #require(begun.headers["location"])
            let page = try await client.send("GET", location)
            same(page.status, 200)
            #expect(page.body.contains("bad&lt;script&gt;alert(1)&lt;/script&gt;"))
            #expect(page.body.contains("&lt;b&gt;oops") && !page.body.contains("<script>alert"))
            #expect(page.body.contains("the job would run again in about") && page.headers["refresh"] == nil)
            let facts = try await client.send("GET", location + ".json")
            #expect(facts.body.contains(#""verdict":"failed""#) && facts.body.contains(#""exitCode":3"#))
            let other = try await client.send("GET", location.replacing("/jobs/2/", with: "/jobs/1/"))
            same(other.status, 404)
        }
        #expect(try await queue.job(JobID(rawValue: 2))?.record == before)
        #expect(try await queue.operations().isEmpty)
    }

    @Test("two run at a time, a third is told to wait; when the server ends, they end")
    func atOnce() async throws {
        let queue = try await sampleQueue()
        let folder = try TemporaryFolder()
        let file = folder.path + "/pids"
        let run = try Self.command("echo $$ >> '\(file)'; sleep 60", queue)
        try await withServer(queue, change: Self.options(["mail": run])) { client, dashboard in
            for _ in 1...2 {
                let begun = try await client.send("POST", "/jobs/2/dry-runs")
                same(begun.status, 303)
            }
            let third = try await client.send("POST", "/jobs/2/dry-runs")
            same(third.status, 429)
            #expect(third.headers["retry-after"] == "5")
            await dashboard.endDryRuns()
            let page = try await client.send("GET", "/jobs/2/dry-runs/1.json")
            #expect(page.body.contains(#""verdict":"stopped""#))
            let late = try await client.send("POST", "/jobs/2/dry-runs")
            same(late.status, 503)
        }
    }

    @Test("the last twenty are remembered")
    func kept() async throws {
        let runs = DryRuns()
        let job = JobID(rawValue: 1)
        for number in 1...25 {
            #expect(try runs.begin(job, in: "mail", by: "anna") { DryRunReport($0, in: "mail", .done) } == number)
            #expect(await runs.run(number, of: job, waiting: .seconds(60))?.result != nil)
        }
        for (number, isKept) in [(1, false), (5, false), (6, true), (25, true)] {
            #expect(await (runs.run(number, of: job, waiting: .zero) != nil) == isKept, "\(number)")
        }
    }

    @Test("without a command for the queue, for a job that is not buried, and for who may only look, there is none")
    func refusals() async throws {
        let queue = try await sampleQueue()
        let run = try Self.command("true", queue)
        try await withServer(queue) { client, _ in
            let none = try await client.send("POST", "/jobs/2/dry-runs")
            same(none.status, 400)
            let page = try await client.send("GET", "/jobs/2")
            #expect(!page.body.contains("dry-runs"))
        }
        try await withServer(queue, change: Self.options(["mail": run])) { client, _ in
            let ready = try await client.send("POST", "/jobs/1/dry-runs", body: "command=rm")
            same(ready.status, 400)
            let foreign = try await client.send("POST", "/jobs/2/dry-runs", headers: ["Sec-Fetch-Site": "cross-site"])
            same(foreign.status, 403)
        }
        try await withServer(queue, .open(.view), change: Self.options(["mail": run])) { client, _ in
            let viewer = try await client.send("POST", "/jobs/2/dry-runs")
            same(viewer.status, 403)
        }
    }

    @Test("where values are redacted, what the handler writes about its payload is not shown")
    func redacted() async throws {
        let queue = try await sampleQueue()
        let run = try Self.command("cat; echo well >&2", queue)
        try await withServer(queue, change: Self.options(["mail": run], ["password"])) { client, _ in
            let begun = try await client.send("POST", "/jobs/2/dry-runs")
            let location = try #require(begun.headers["location"])
            let page = try await client.send("GET", location)
            #expect(
                !page.body.contains("<pre class=\"payload\" tabindex=\"0\">bad")
                    && page.body.contains("It is not shown"))
            let facts = try await client.send("GET", location + ".json")
            #expect(facts.body.contains(#""standardOutput":"""#) && facts.body.contains(#""standardError":"well\n""#))
        }
    }
}
