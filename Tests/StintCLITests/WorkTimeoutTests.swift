import Foundation
import TestSupport
import Testing

@Suite("stint work: time limits and leases", .inOwnFolder, .timeLimit(.minutes(15)))
struct WorkTimeoutTests {
    let place = Workplace.ofThisTest

    /// The processes whose ids the command wrote, one on each line.
    private func processes() throws -> [RunningProcess] {
        try place.lines("processes").map { RunningProcess(id: try #require(pid_t($0))) }
    }

    @Test("a command past --timeout is killed with all that it started, and that is a crash")
    func timeout() async throws {
        try await place.stint("put", "x", "--max-crashes", "1")
        let outcome = try await place.attempt(
            "work", "--drain", "--timeout", "200ms", "--", "sh", "-c",
            "echo $$ > processes; sleep 60 & echo $! >> processes; wait")
        #expect(outcome.code == 0)
        let job = try await place.job(1)
        #expect((job.state, job.attempts, job.crashes) == ("buried", 1, 1))
        #expect(job.failures?.map(\.kind) == ["crashed"])
        #expect(job.reason?.contains("timed out after 0.2 seconds") == true)
        let processes = try processes()
        #expect(processes.count == 2)
        try await eventually("they have ended") { !processes.contains(where: \.isAlive) }
    }

    @Test("a command that ignores SIGTERM is dead before the worker goes on")
    func ignoresTermination() async throws {
        try await place.stint("put", "x", "--max-crashes", "1")
        _ = try await place.attempt(
            "work", "--drain", "--timeout", "200ms", "--", "sh", "-c",
            "trap '' TERM; echo $$ > processes; \(untilThere("go"))")
        #expect(try !processes()[0].isAlive)
        let job = try await place.job(1)
        #expect(job.crashes == 1)
        #expect(job.failures?.map(\.error) == ["timed out after 0.2 seconds"])
        try place.write("go")
    }

    @Test("what a command started does not outlive it by ignoring SIGTERM")
    func descendantIgnoresTermination() async throws {
        try await place.stint("put", "x", "--max-crashes", "1")
        let script = "(trap '' TERM; echo up > ready; \(untilThere("go"))) & echo $! > processes; wait"
        _ = try await place.attempt("work", "--drain", "--timeout", "1s", "--", "sh", "-c", script)
        try #require(place.exists("ready"))
        let process = try processes()[0]
        #expect(!process.isAlive)
        try place.write("go")
    }

    @Test("a job within its time is not disturbed")
    func withinTime() async throws {
        try await place.stint("put", "x")
        try await place.stint("work", "--drain", "--timeout", "1h", "--", "true")
        #expect(try await place.counts() == QueueDocument(name: "default", done: 1))
    }

    @Test("a command that runs for longer than --lease keeps its lease and runs once")
    func heartbeat() async throws {
        try await place.stint("put", "x")
        let worker = try await place.whileRunning(
            ["work", "--lease", "1s", "--", "sh", "-c", "echo $STINT_TOKEN >> log; \(untilThere("go"))"]
        ) { worker in
            try await eventually("the job runs") { try place.lines("log").count == 1 }
            let first = try #require(try await place.job(1).leaseExpiresAt)
            try await eventually("its lease was extended by more than its length") {
                #expect(try await place.stint("reap") == "requeued 0, buried 0, pruned 0\n")
                return try #require(try await place.job(1).leaseExpiresAt) > first + 1_000
            }
            try place.write("go")
            try await eventually("the job is done") { try await place.counts().done == 1 }
            worker.send(SIGTERM)
        }
        #expect((worker.code, worker.errors) == (0, ""))
        #expect(try place.lines("log") == ["1"])
    }

    @Test(
        "a running job that a person buries, cancels or deletes is stopped, and the worker goes on",
        arguments: ["bury", "cancel", "delete"])
    func takenAway(command: String) async throws {
        try await place.stint("put", "x")
        let worker = try await place.whileRunning(
            [
                "work", "--lease", "300ms", "--", "sh", "-c",
                "echo $$ >> processes; \(untilThere("go")); echo end >> log",
            ]
        ) { worker in
            try await eventually("the job runs") { try !processes().isEmpty }
            let process = try processes()[0]
            try await place.stint(command, "1")
            try await eventually("the command has ended") { !process.isAlive }
            try place.write("go")
            try await place.stint("put", "next")
            try await eventually("the next job is done") { try await place.counts().done == 1 }
            worker.send(SIGTERM)
        }
        #expect(worker.code == 0)
        #expect(try place.lines("log") == ["end"])
        let counts = try await place.counts()
        #expect((counts.buried, counts.done, counts.leased) == (command == "bury" ? 1 : 0, 1, 0))
    }
}
