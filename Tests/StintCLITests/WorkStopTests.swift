import Foundation
import Subprocess
import TestSupport
import Testing

@Suite("stint work: SIGTERM and SIGINT drain", .inOwnFolder, .timeLimit(.minutes(15)))
struct WorkStopTests {
    let place = Workplace.ofThisTest

    /// Stops workers that each hold a batch of four, one of them running.
    private func stop(workers: Int, ownGroup: Bool = false, _ stop: (RunningProcess) -> Void) async throws {
        try await place.stint("put", "--lines", input: Array((1...20).map { "\($0)\n" }.joined().utf8))
        var options = PlatformOptions()
        if ownGroup { options.processGroupID = 0 }
        let script = "echo $STINT_JOB_ID >> started; \(untilThere("go")); echo $STINT_JOB_ID >> finished"
        let outcome = try await place.whileRunning(
            ["work", "--workers", "\(workers)", "--batch", "4", "--", "sh", "-c", script], options: options
        ) { process in
            try await eventually("every worker runs a job of its batch") {
                let leased = try await place.counts().leased
                return try place.lines("started").count == workers && leased == 4 * workers
            }
            stop(process)
            try await eventually("what was not started is given back") {
                try await place.counts() == QueueDocument(name: "default", ready: 20 - workers, leased: workers)
            }
            #expect(!place.exists("finished"))
            try place.write("go")
        }
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try place.lines("started").sorted() == place.lines("finished").sorted())
        #expect(try place.lines("started").count == workers)
        #expect(try await place.counts() == QueueDocument(name: "default", ready: 20 - workers, done: workers))
        #expect(try await place.jobs("ready").allSatisfy { $0.attempts == 0 && $0.crashes == 0 && !$0.suspect })
    }

    @Test(
        "the running command finishes and its job is done; the rest of the batch is ready with no attempt used",
        arguments: [SIGTERM, SIGINT], [1, 3])
    func drains(signal: CInt, workers: Int) async throws {
        try await stop(workers: workers) { $0.send(signal) }
    }

    @Test("Ctrl-C, which goes to the whole group of a terminal, does the same", arguments: [1, 3])
    func controlC(workers: Int) async throws {
        try await stop(workers: workers, ownGroup: true) { $0.sendToGroup(SIGINT) }
    }

    @Test("an idle worker ends at once", arguments: [SIGTERM, SIGINT], [1, 3])
    func idle(signal: CInt, workers: Int) async throws {
        try await place.stint("put", "x")
        let outcome = try await place.whileRunning(["work", "--workers", "\(workers)", "--", "true"]) { process in
            try await eventually("the job is done") { try await place.counts().done == 1 }
            process.send(signal)
        }
        #expect((outcome.code, outcome.output, outcome.errors) == (0, "", ""))
    }

    @Test("a stop while the workers are still starting is in order too")
    func starting() async throws {
        try await place.stint("put", "x")
        for _ in 1...5 {
            let outcome = try await place.whileRunning(["work", "--workers", "4", "--", "true"]) { process in
                try await eventually("a worker was started") { !process.children.isEmpty }
                process.send(SIGTERM)
            }
            #expect((outcome.code, outcome.errors) == (0, ""))
        }
    }

    @Test("a worker of several that is killed is named and replaced, and its job runs again")
    func killedWorker() async throws {
        try await place.stint("put", "--lines", input: Array("1\n2\n3\n".utf8))
        let outcome = try await place.whileRunning(
            [
                "work", "--workers", "3", "--lease", "1h", "--drain", "--", "sh", "-c",
                "echo $STINT_JOB_ID >> log; \(untilThere("go"))",
            ]
        ) { process in
            try await eventually("each worker runs a job") { try place.lines("log").count == 3 }
            let victim = try #require(process.children.first)
            victim.send(SIGKILL)
            try await eventually("its job runs again") { try place.lines("log").count == 4 }
            #expect(!victim.isAlive)
            try place.write("go")
        }
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("a worker died and is replaced"))
        #expect(outcome.errors.contains("was killed by SIGKILL"))
        #expect(try await place.counts() == QueueDocument(name: "default", done: 3))
        #expect(try place.lines("log").count == 4)
    }
}
