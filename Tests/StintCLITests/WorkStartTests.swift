import Foundation
import TestSupport
import Testing

/// What happens to jobs while their command cannot be started.
@Suite("stint work: no job pays for a command that cannot be started", .inOwnFolder, .timeLimit(.minutes(15)))
struct WorkStartTests {
    let place = Workplace.ofThisTest

    private func program(_ name: String, _ text: String, mode: mode_t = 0o755) throws {
        try place.write(name, Array(text.utf8))
        chmod(place.path(name), mode)
    }

    private func putJobs(_ count: Int) async throws {
        try await place.stint(
            "put", "--lines", "--max-attempts", "1", input: Array((1...count).map { "\($0)\n" }.joined().utf8))
    }

    /// Runs `stint work` with its standard error in the file `log`.
    private func whileWorking(
        _ arguments: String, prefix: String = "", _ body: (RunningProcess) async throws -> Void
    ) async throws -> Outcome {
        try await place.whileRunning(
            ["-c", "\(prefix) exec \"$stint\" work \(arguments) 2>> log"], of: "/bin/sh",
            environment: ["stint": Workplace.stint], body)
    }

    private func logged(_ text: String) throws -> [String] { try place.lines("log").filter { $0.contains(text) } }

    @Test("a program that a deploy takes away for a while costs no job anything, and the log says so once")
    func deploy() async throws {
        try program("handler", "#!/bin/sh\necho $STINT_JOB_ID $STINT_ATTEMPT >> ran\n")
        try await putJobs(1)
        let outcome = try await whileWorking("--concurrency 4 -- ./handler") { worker in
            try await eventually("the first has run") { try place.lines("ran").count == 1 }
            try FileManager.default.moveItem(atPath: place.path("handler"), toPath: place.path("new"))
            try await putJobs(40)
            try await eventually("it is said") { try !logged("cannot be started").isEmpty }
            let counts = try await place.counts()
            #expect((counts.buried, counts.done) == (0, 1))
            try await eventually("what was claimed ahead is given back") {
                let counts = try await place.counts()
                return counts.ready == 40 && counts.leased == 0
            }
            for job in try await place.jobs("ready") { #expect((job.attempts, job.crashes) == (0, 0)) }
            try FileManager.default.moveItem(atPath: place.path("new"), toPath: place.path("handler"))
            try await eventually("all have run") { try await place.counts().done == 41 }
            worker.send(SIGTERM)
        }
        #expect(outcome.code == 0)
        #expect(try place.lines("ran").allSatisfy { $0.hasSuffix(" 1") })
        let errors = try logged(" error ")
        #expect(errors.count == 1)
        let error = try #require(errors.first)
        #expect(error.contains("./handler") && error.contains("No such file") && error.contains("put the program back"))
        #expect(try logged("the handler works again").count == 1)
    }

    @Test(
        "whatever is wrong with the program, no attempt is used up, and the log names the reason and what to do",
        arguments: [
            ("neither a script nor a program\n", "Exec format error", "begins with #!"),
            ("#!/no/such/interpreter\n", "No such file", "interpreter"),
            ("#!/bin/sh\r\nexit 0\r\n", "No such file", "carriage return"),
            ("", "Permission denied", "make the file executable"),
        ])
    func wrongProgram(text: String, reason: String, advice: String) async throws {
        try program("handler", text.isEmpty ? "#!/bin/sh\n" : text)
        try await putJobs(1)
        let prefix = text.isEmpty ? "(\(untilThere("lock")); chmod 0 handler; : > locked) &" : ""
        if text.isEmpty { try await place.stint("pause", "default") }
        _ = try await whileWorking("-- ./handler", prefix: prefix) { worker in
            if text.isEmpty {
                try await eventually("it works") { try await !place.stint("workers").hasPrefix("no workers") }
                try place.write("lock")
                try await eventually("it cannot be executed") { place.exists("locked") }
                try await place.stint("resume", "default")
            }
            try await eventually("it is said") { try !logged("cannot be started").isEmpty }
            worker.send(SIGTERM)
        }
        let error = try #require(try logged("cannot be started").first)
        #expect(error.contains(reason) && error.contains(advice), "\(error)")
        let job = try await place.job(1)
        #expect((job.state, job.attempts) == ("ready", 0))
        #expect(job.failures?.isEmpty != false)
    }

    @Test("a worker whose program is broken leaves the queue to one whose program works", arguments: ["", "--pipe"])
    func brokenWorker(pipe: String) async throws {
        try program("broken", "neither a script nor a program\n")
        try await putJobs(1)
        _ = try await whileWorking("\(pipe) --batch 20 --concurrency 4 -- ./broken") { broken in
            try await eventually("it is in trouble") { try !logged("cannot be started").isEmpty }
            try await putJobs(39)
            try await place.stint("work", "--drain", "--concurrency", "2", "--", "true")
            broken.send(SIGTERM)
        }
        let counts = try await place.counts()
        #expect((counts.ready, counts.buried, counts.done) == (0, 0, 40))
    }

    @Test("where few files may be open fewer commands run at once, and no job pays")
    func fewDescriptors() async throws {
        try await putJobs(60)
        let outcome = try await whileWorking("--drain --concurrency 40 -- sh -c 'sleep 0.01'", prefix: "ulimit -n 64;")
        {
            _ in
        }
        #expect(outcome.code == 0)
        #expect(try await place.counts() == QueueDocument(name: "default", done: 60))
        #expect(try logged("allow fewer commands at once than were asked for").count == 1)
    }

    @Test("the soft limit of open files is raised as needed, and commands get the original one")
    func softLimit() async throws {
        try await putJobs(40)
        let outcome = try await whileWorking(
            "--concurrency 40 -- sh -c 'ulimit -Sn >> limits; \(untilThere("go"))'", prefix: "ulimit -Sn 64;"
        ) { worker in
            try await eventually("all run at once") { try place.lines("limits").count == 40 }
            worker.send(SIGTERM)
            try place.write("go")
        }
        #expect(outcome.code == 0)
        #expect(try Set(place.lines("limits")) == ["64"])
        #expect(try await place.counts().done == 40)
    }

    @Test("where processes run out fewer commands run at once, and no job pays", .enabled(if: getuid() == 0))
    func fewProcesses() async throws {
        try await putJobs(60)
        // A user of its own, whose processes and threads are counted.
        let user: uid_t = 61_234
        for name in [""] + (try FileManager.default.contentsOfDirectory(atPath: place.folder)) {
            chown(place.path(name), user, user)
        }
        let outcome = try await place.shell(
            """
            exec python3 -c 'import os, resource
            os.setgid(\(user)); os.setuid(\(user)); resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
            os.execv(os.environ["stint"], ["stint", "work", "--drain", "--concurrency", "50", "--", "sleep", "0.3"])'
            """)
        #expect(outcome.code == 0, "\(outcome.errors)")
        #expect(try await place.counts() == QueueDocument(name: "default", done: 60))
        #expect(outcome.errors.contains("allow fewer commands at once than were asked for"), "\(outcome.errors)")
    }

    @Test("a job whose own headers are too large for a command is buried with the reason, and no other waits for it")
    func ownEnvironment() async throws {
        try await place.stint("put", "large", "--header", "large=\(String(repeating: "x", count: 60_000))")
        try await putJobs(3)
        // A stack of 512 KiB gives 128 KiB to arguments and environment, of which others use up more than half.
        let worker = try await whileWorking(
            "--drain -- true", prefix: "ulimit -s 512; export FILLING=$(head -c 75000 /dev/zero | tr '\\0' x);"
        ) { _ in }
        #expect(worker.code == 0)
        #expect(try await place.counts() == QueueDocument(name: "default", buried: 1, done: 3))
        let job = try await place.job(1)
        #expect(job.reason?.contains("its headers make the environment too large") == true, "\(job)")
    }
}
