import Foundation
import Subprocess
import TestSupport
import Testing

/// `stint work` as a supervisor of its worker processes.
@Suite("stint work watches its workers", .inOwnFolder, .timeLimit(.minutes(15)))
struct SupervisorTests {
    let place = Workplace.ofThisTest

    /// A command that notes its start with its own process id, waits for `go` and notes its end.
    private let waiting = [
        "--", "sh", "-c",
        "echo $STINT_JOB_ID $$ >> started; \(untilThere("go")); echo $STINT_JOB_ID >> ended",
    ]

    private func started() throws -> [(job: Int, process: RunningProcess)] {
        try place.lines("started").map { line in
            let words = line.split(separator: " ")
            return (try #require(Int(words[0])), RunningProcess(id: try #require(pid_t(words[1]))))
        }
    }

    private func putJobs(_ count: Int) async throws {
        try await place.stint("put", "--lines", input: Array((1...count).map { "\($0)\n" }.joined().utf8))
    }

    // MARK: - Deaths

    @Test("when a worker is killed its batch is ready at once: what it had started is blamed, the rest lost nothing")
    func batchOfTheDead() async throws {
        try await putJobs(8)
        let outcome = try await place.whileRunning(["work", "--batch", "8", "--lease", "1h"] + waiting) { supervisor in
            try await eventually("a job of the batch runs") {
                let leased = try await place.counts().leased
                return try started().count == 1 && leased == 8
            }
            let (worker, command) = (try #require(supervisor.children.first), try started()[0].process)
            worker.send(SIGKILL)
            try await eventually("the next worker runs it again") { try started().count == 2 }
            #expect(!command.isAlive, "a command does not outlive its worker")
            supervisor.send(SIGTERM)
            try place.write("go")
        }
        #expect(outcome.code == 0)
        #expect(try place.lines("ended") == ["1"])
        let rest = try await place.jobs("ready")
        #expect(rest.map(\.id) == Array(2...8))
        #expect(rest.allSatisfy { $0.attempts == 0 && $0.crashes == 0 && !$0.suspect })
    }

    @Test("a command ends with its worker, also while the supervisor can see and do nothing")
    func commandOfTheDead() async throws {
        try await putJobs(1)
        _ = try await place.whileRunning(["work"] + waiting) { supervisor in
            try await eventually("the job runs") { try started().count == 1 }
            let (worker, command) = (try #require(supervisor.children.first), try started()[0].process)
            supervisor.send(SIGSTOP)
            worker.send(SIGKILL)
            try await eventually("both have ended") { !worker.isAlive && !command.isAlive }
            supervisor.send(SIGKILL)
        }
    }

    @Test("while the supervisor is stopped, its workers go on by themselves; then all is in order")
    func stoppedSupervisor() async throws {
        try await place.stint("retain", "default", "1d")
        try await putJobs(400)
        let outcome = try await place.whileRunning(
            [
                "work", "--workers", "2", "--batch", "4", "--drain", "--", "sh", "-c",
                "echo $STINT_JOB_ID >> ran; sleep 0.01",
            ]
        ) { supervisor in
            try await eventually("some jobs have run") { try place.lines("ran").count >= 20 }
            supervisor.send(SIGSTOP)
            let before = try place.lines("ran").count
            // What they had claimed, and more than that.
            try await eventually("they claim more") { try place.lines("ran").count >= before + 60 }
            supervisor.send(SIGCONT)
        }
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try await place.counts().done == 400)
        #expect(try place.lines("ran").sorted() == (1...400).map(String.init).sorted(), "each ran once")
    }

    @Test("a worker of another database than its supervisor's uses that by itself")
    func otherDatabase() async throws {
        try await place.stint("put", "wait 1")
        try await place.stint("put", "--db", "other.db", "good 1")
        _ = try await place.whileRunning(
            ["swift", "stint.db", "1", "1", "1", "600000", "elsewhere"], of: Workplace.crashingWorker
        ) { supervisor in
            try await eventually("its job has run, and it ends") { !supervisor.isAlive }
        }
        #expect(try place.lines("starts") == ["1 good"])
        #expect(try await place.counts().ready == 1, "nothing was claimed from the supervisor's database")
    }

    @Test("a worker that sends its supervisor an invalid message is replaced, and its jobs are not blamed")
    func garbledWorker() async throws {
        try await place.stint("put", "garble")
        let outcome = try await place.whileRunning(
            ["swift", "stint.db", "1", "1", "1", "600000", "stay"], of: Workplace.crashingWorker
        ) { supervisor in
            try await eventually("the job was started again by another worker") { try place.lines("starts").count >= 2 }
            supervisor.send(SIGTERM)
        }
        #expect(outcome.errors.contains("an invalid message"), "\(outcome)")
        let job = try await place.job(1)
        #expect(job.attempts == 0 && job.crashes == 0 && job.state == "ready", "\(job)")
    }

    @Test("a program that ignores the ends of children can start stint work; it sees them all the same")
    func ignoredSignal() async throws {
        try await place.stint("put", "--max-crashes", "2", "x")
        let outcome = try await place.shell(
            #"""
            exec python3 -c 'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            os.execv(os.environ["stint"], ["stint", "work", "--drain", "--retry-delay", "0s", "--", "sh", "-c", "kill -KILL $PPID"])'
            """#)
        #expect(outcome.code == 0, "\(outcome.errors)")
        let failures = try #require(try await place.job(1).failures)
        #expect(failures.allSatisfy { $0.diagnostics?.signal == "SIGKILL" })
        #expect(try await place.counts().buried == 1)
    }

    @Test("jobs that ran together when their worker was killed are suspects, at no cost, and run again alone")
    func suspects() async throws {
        try await place.stint("retain", "default", "1d")
        try await putJobs(6)
        let outcome = try await place.whileRunning(
            ["work", "--concurrency", "3", "--batch", "6", "--lease", "1h", "--drain"] + waiting
        ) { supervisor in
            try await eventually("three jobs run") { try started().count == 3 }
            try #require(supervisor.children.first).send(SIGKILL)
            try await eventually("one runs again, alone") { try started().count == 4 }
            let suspects = try await place.jobs("ready").filter(\.suspect).count
            #expect(suspects == 2)
            #expect(try await place.counts().leased == 1)
            try place.write("go")
        }
        #expect(outcome.code == 0)
        let done = try await place.jobs("done")
        #expect(done.count == 6)
        #expect(done.allSatisfy { $0.attempts == 1 && $0.crashes == 0 })
    }

    @Test("when the supervisor is killed, no worker and no command lives on, and their jobs lose nothing")
    func supervisorKilled() async throws {
        try await putJobs(6)
        var left: [RunningProcess] = []
        _ = try await place.whileRunning(
            [
                "work", "--workers", "2", "--batch", "3", "--lease", "1h", "--", "sh", "-c",
                "trap '' TERM INT HUP; \(untilThere("never")) & echo $STINT_JOB_ID $$ >> started; echo $STINT_JOB_ID $! >> started; wait",
            ]
        ) { supervisor in
            try await eventually("each worker runs a job") { try started().count == 4 }
            left = supervisor.children + (try started().map(\.process))
            #expect(left.count == 6)
            supervisor.send(SIGKILL)
        }
        try await eventually("all have ended") { !left.contains(where: \.isAlive) }
        _ = try await place.stint("reap")
        let ready = try await place.jobs("ready")
        #expect(ready.count == 6)
        #expect(ready.allSatisfy { $0.attempts == 0 && $0.crashes == 0 }, "\(ready)")
        #expect(try await place.stint("workers") == "no workers\n")
    }

    @Test("a Swift service whose supervisor is killed leaves no worker behind, though its handlers do not stop")
    func swiftSupervisorKilled() async throws {
        try await place.stint("put", "--lines", input: Array("wait 1\nwait 2\nwait 3\n".utf8))
        var workers: [RunningProcess] = []
        _ = try await place.whileRunning(
            ["swift", "stint.db", "2", "2", "1", "600000", "stay"], of: Workplace.crashingWorker
        ) { supervisor in
            try await eventually("each worker runs a job") { try place.lines("starts").count == 2 }
            workers = supervisor.children
            #expect(workers.count == 2)
            supervisor.send(SIGKILL)
        }
        try await eventually("all have ended") { !workers.contains(where: \.isAlive) }
        _ = try await place.stint("reap")
        let ready = try await place.jobs("ready")
        #expect(ready.map(\.id) == [1, 2, 3])
        #expect(ready.allSatisfy { $0.attempts == 0 && $0.crashes == 0 })
    }

    @Test("a worker of a Swift service that is told to stop by SIGTERM is replaced, and the service drains on SIGTERM")
    func swiftService() async throws {
        try await place.stint("put", "--lines", input: Array("good 1\nwait 2\n".utf8))
        let outcome = try await place.whileRunning(
            ["swift", "stint.db", "1", "1", "1", "600000", "stay"], of: Workplace.crashingWorker
        ) { supervisor in
            try await eventually("the second job runs") { try place.lines("starts").count == 2 }
            let first = try #require(supervisor.children.first)
            first.send(SIGTERM)
            try place.write("go")
            try await eventually("another took its place") {
                supervisor.children.count == 1 && supervisor.children.first != first
            }
            try await place.stint("put", "good 3")
            try await eventually("it works") { try await place.counts().done == 3 }
            supervisor.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try await place.stint("workers") == "no workers\n")
    }

    @Test("a worker that is stopped from outside for too long is killed and replaced, and its job is not blamed")
    func silent() async throws {
        try await putJobs(1)
        let outcome = try await place.whileRunning(["work", "--lease", "1s"] + waiting) { supervisor in
            try await eventually("the job runs") { try started().count == 1 }
            let worker = try #require(supervisor.children.first)
            worker.send(SIGSTOP)
            try await eventually("it was killed and its job runs again") { try started().count == 2 }
            try await eventually("it was killed") { !worker.isAlive }
            let job = try await place.job(1)
            #expect(job.crashes == 0 && job.failures?.contains { $0.kind == "crashed" } != true, "\(job)")
            try place.write("go")
            try await eventually("the job is done") { try await place.counts().done == 1 }
            supervisor.send(SIGTERM)
        }
        #expect(outcome.code == 0)
        #expect(outcome.errors.contains("was stopped from outside for too long and is replaced"))
    }

    @Test("a worker that does not become ready in time is killed and replaced, and the next one works")
    func notReady() async throws {
        try await place.stint("put", "good 1")
        let outcome = try await place.whileRunning(
            ["swift", "stint.db", "1", "1", "1", "600000", "stay", "late"], of: Workplace.crashingWorker
        ) { supervisor in
            var first: RunningProcess?
            try await eventually("a worker starts") {
                first = supervisor.children.first
                return first != nil
            }
            try await eventually("it was killed, and another took its place") {
                first?.isAlive == false && supervisor.children.contains { $0 != first }
            }
            #expect(try place.lines("starts").isEmpty)
            try place.write("go")
            try await eventually("the job is done") { try await place.counts().done == 1 }
            supervisor.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("was not ready after"))
    }

    @Test("a worker that cannot start is tried again after growing delays, and that is said once")
    func cannotStart() async throws {
        try await putJobs(1)
        let outcome = try await place.whileRunning(
            ["work", "--workers", "2"] + waiting
        ) { supervisor in
            try await eventually("two workers are there") { supervisor.children.count == 2 }
            // Every process that is started from now on dies at once, like a program that a deploy has damaged.
            var killed = 0
            try await eventually("ten were killed at their start") {
                for child in supervisor.children {
                    child.send(SIGKILL)
                    killed += 1
                }
                return killed >= 10
            }
            try await eventually("both work again") {
                try await place.stint("workers", "--json").split(separator: "\n").count == 2
            }
            supervisor.send(SIGTERM)
            try place.write("go")
        }
        #expect(outcome.code == 0)
        #expect(outcome.errors.components(separatedBy: "a worker ended at its start").count <= 3)
    }

    // MARK: - Orders

    @Test("a second SIGINT stops at once: commands are killed and their jobs released without blame")
    func secondInterrupt() async throws {
        try await putJobs(2)
        let outcome = try await place.whileRunning(["work", "--workers", "2", "--lease", "1h"] + waiting) {
            supervisor in
            try await eventually("both run") { try started().count == 2 }
            supervisor.send(SIGINT)
            try await eventually("the workers were told") {
                try await place.stint("workers", "--json").isEmpty == false
            }
            supervisor.send(SIGINT)
        }
        #expect(outcome.code == 130)
        #expect(try started().allSatisfy { !$0.process.isAlive })
        let ready = try await place.jobs("ready")
        #expect(ready.count == 2)
        #expect(ready.allSatisfy { $0.attempts == 0 && $0.crashes == 0 && !$0.suspect })
    }

    @Test("commands that outlast --grace get SIGTERM, and their jobs are released without blame")
    func grace() async throws {
        try await putJobs(1)
        let outcome = try await place.whileRunning(
            [
                "work", "--grace", "100ms", "--", "sh", "-c",
                "trap 'echo term >> log; exit 1' TERM; echo $STINT_JOB_ID $$ >> started; \(untilThere("go"))",
            ]
        ) { supervisor in
            try await eventually("it runs") { try started().count == 1 }
            supervisor.send(SIGTERM)
        }
        #expect(outcome.code == 0)
        #expect(try place.lines("log") == ["term"])
        let job = try await place.job(1)
        #expect((job.state, job.attempts, job.crashes) == ("ready", 0, 0))
    }

    // MARK: - Recycling

    @Test(
        "a worker is replaced after --max-jobs, --max-age or past --max-memory, and no job suffers",
        arguments: [["--max-jobs", "2"], ["--max-age", "1s"], ["--max-memory", "1M"]])
    func recycling(option: [String]) async throws {
        try await place.stint("retain", "default", "1d")
        try await putJobs(6)
        let outcome = try await place.attempt(
            ["work", "--batch", "6", "--drain"] + option + [
                "--", "sh", "-c", "echo $PPID >> workers; [ '\(option[0])' != --max-age ] || sleep 0.4",
            ])
        #expect((outcome.code, outcome.errors) == (0, ""))
        let workers = try place.lines("workers")
        #expect(workers.count == 6)
        #expect(Set(workers).count >= 2)
        #expect(try await place.jobs("done").allSatisfy { $0.attempts == 1 && $0.crashes == 0 })
        if option[0] == "--max-jobs" {
            #expect(Dictionary(grouping: workers) { $0 }.values.allSatisfy { $0.count <= 2 })
        }
    }

    @Test("a command that asks for more than --memory-limit fails, and others do not")
    func memoryLimit() async throws {
        try await putJobs(1)
        let outcome = try await place.attempt([
            "work", "--drain", "--memory-limit", "64M", "--retry-delay", "0s", "--", Workplace.crashingWorker,
            "command", "memory",
        ])
        #expect(outcome.code == 0)
        let job = try await place.job(1)
        #expect((job.state, job.crashes) == ("buried", 3))
        #expect(try await place.counts() == QueueDocument(name: "default", buried: 1))
    }

    // MARK: - Others

    @Test("systemd is told when the workers are ready, and when the end begins")
    func notify() async throws {
        let socket = try NotifySocket(path: place.path("notify"))
        let outcome = try await place.whileRunning(
            ["work", "--workers", "2", "--", "true"], environment: ["NOTIFY_SOCKET": .some(socket.path)]
        ) { supervisor in
            let first = try await socket.next()
            #expect(first == "READY=1")
            #expect(try await place.stint("workers", "--json").split(separator: "\n").count == 2)
            supervisor.send(SIGTERM)
            #expect(try await socket.next() == "STOPPING=1")
        }
        #expect(outcome.code == 0)
    }

    @Test("lines of several commands are never mixed, and each has the names of its worker and job")
    func output() async throws {
        try await putJobs(20)
        let script =
            "i=0; while [ $((i += 1)) -le 50 ]; do printf 'a line of job %s ' $STINT_JOB_ID; echo \"number $i\"; done"
        let outcome = try await place.attempt(
            ["work", "--workers", "2", "--concurrency", "4", "--drain", "--", "sh", "-c", script])
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 20 * 50)
        for line in lines {
            let match = try #require(
                try #/worker [12]: job (\d+): a line of job (\d+) number \d+/#.wholeMatch(in: line), "\(line)")
            #expect(match.1 == match.2)
        }
    }
}
