import Foundation
import TestSupport
import Testing

@Suite("stint work: the command's end is the verdict", .inOwnFolder, .timeLimit(.minutes(15)))
struct WorkVerdictTests {
    let place = Workplace.ofThisTest

    /// Drains with a command for `sh`; the output of the commands is ignored.
    private func drain(_ script: String, _ options: String...) async throws {
        let outcome = try await place.run(
            Workplace.stint, .init(["work", "--drain", "--retry-delay", "0s"] + options + ["--", "sh", "-c", script]))
        guard outcome.code == 0 else { throw Unexpected(["work"] + options, outcome) }
    }

    @Test("the last job of a worker that is replaced after --max-jobs pays for its crashes as any other")
    func lastJob() async throws {
        try await place.stint("put", "x", "--max-crashes", "2")
        let outcome = try await place.attempt(
            "work", "--max-jobs", "1", "--drain", "--retry-delay", "1ms", "--", "sh", "-c",
            "echo x >> runs; [ $(wc -l < runs) -lt 9 ] && kill -SEGV $$")
        #expect(try await place.counts().buried == 1 && place.lines("runs").count == 2, "\(outcome)")
    }

    @Test("0 acknowledges: the job never runs again")
    func done() async throws {
        try await place.stint("put", "x")
        for _ in 1...2 { try await drain("echo $STINT_JOB_ID >> log") }
        #expect(try place.lines("log") == ["1"])
        #expect(try await place.counts() == QueueDocument(name: "default", done: 1))
        #expect(try await place.refusal("show", "1").code == 65)
    }

    @Test("75 and any other code fail the attempt, and the job runs again", arguments: [75, 1, 2, 64, 126, 255])
    func failed(code: Int) async throws {
        try await place.stint("retain", "default", "1d")
        try await place.stint("put", "x")
        try await drain("echo $STINT_ATTEMPT >> log; [ $STINT_ATTEMPT = 3 ] || { echo 'not yet' >&2; exit \(code); }")
        #expect(try place.lines("log") == ["1", "2", "3"])
        let job = try await place.job(1)
        #expect((job.state, job.attempts, job.crashes) == ("done", 3, 0))
        let failures = try #require(job.failures)
        #expect(failures.map(\.attempt) == [1, 2])
        #expect(failures.allSatisfy { $0.kind == "failed" && $0.error.contains("exit \(code)") })
        #expect(failures.allSatisfy { $0.error.contains("not yet") })
    }

    @Test("an exit code by which a shell tells of a signal says so in the attempt's error", arguments: ["", "--pipe"])
    func shellsWord(pipe: String) async throws {
        try await place.stint("put", "x", "--max-attempts", "1", "--max-crashes", "1")
        // A shell of its own, since the last command of a script takes the shell's place.
        let script = "read line; sh -c 'kill -SEGV $$'; exit $?"
        try await (pipe.isEmpty ? drain(script) : drain(script, pipe))
        let text = "exit 139 (in a shell: SIGSEGV)"
        #expect(try await place.job(1).failures?.first?.error.contains(text) == true)
        let shown = try await place.stint("show", "1")
        #expect(shown.contains(text))
    }

    @Test("a job without attempts left is buried with its last failure")
    func noAttemptsLeft() async throws {
        try await place.stint("put", "x", "--max-attempts", "2")
        try await drain("echo run >> log; exit 1")
        let job = try await place.job(1)
        #expect(try place.lines("log").count == 2)
        #expect((job.state, job.attempts, job.crashes) == ("buried", 2, 0))
        #expect(job.reason == "no attempts left (2 of 2), last: exit 1")
    }

    @Test("65 buries at once, with what the command said")
    func dataError() async throws {
        try await place.stint("put", "x")
        try await drain("echo run >> log; echo 'member 42 does not exist' >&2; exit 65")
        let job = try await place.job(1)
        #expect(try place.lines("log").count == 1)
        #expect(job.state == "buried")
        #expect(job.reason?.contains("member 42 does not exist") == true)
        #expect(job.failures?.map(\.kind) == ["buried"])
    }

    @Test(
        "death by a signal is a crash, and after --max-crashes the job is buried", arguments: ["SEGV", "KILL", "TERM"])
    func crashed(signal: String) async throws {
        try await place.stint("put", "x", "--max-crashes", "2")
        try await drain("echo run >> log; echo 'about to die' >&2; kill -\(signal) $$")
        let job = try await place.job(1)
        #expect(try place.lines("log").count == 2)
        #expect((job.state, job.attempts, job.crashes) == ("buried", 2, 2))
        #expect(
            job.reason?.contains("crashed 2 times (at most 2 allowed), last: killed by SIG\(signal): about to die")
                == true)
        #expect(job.failures?.map(\.kind) == ["crashed", "crashed"])
    }

    @Test("a failed job waits 1 s with jitter before its second attempt, unless --retry-delay says otherwise")
    func retryDelay() async throws {
        for (options, range) in [([], 500...1_001), (["--retry-delay", "1h"], 1_800_000...3_600_001)] {
            let id = Int(try await place.stint("put", "x").dropLast())!
            // The supervisor is ordered to stop while the command runs, so that there is no second attempt.
            let outcome = try await place.whileRunning(
                ["work"] + options + ["--", "sh", "-c", "touch started\(id); \(untilThere("go\(id)")); exit 1"]
            ) { process in
                try await eventually("the command runs") { place.exists("started\(id)") }
                process.send(SIGTERM)
                try place.write("go\(id)")
            }
            #expect(outcome.code == 0)
            let job = try await place.job(id)
            #expect((job.state, job.attempts) == ("delayed", 1))
            let failed = try #require(job.failures?.first)
            #expect(range.contains(try #require(job.runAt) - failed.at))
            try await place.stint("delete", "\(id)")
        }
    }

    @Test("the failure keeps the last part of standard error, in whole characters; all of it is passed on")
    func errorTail() async throws {
        try await place.stint("put", "x", "--max-attempts", "1")
        let script = #"i=0; while [ $((i += 1)) -le 2000 ]; do echo "Zeile $i größer ☃"; done >&2; exit 1"#
        let outcome = try await place.attempt("work", "--drain", "--", "sh", "-c", script)
        #expect(outcome.errors.contains("Zeile 1 größer ☃\n") && outcome.errors.contains("Zeile 2000 größer ☃\n"))
        let failure = try #require(try await place.job(1).failures?.first)
        #expect(failure.error == "exit 1: Zeile 2000 größer ☃")
        let errors = try #require(failure.diagnostics?.standardError)
        #expect(errors.hasSuffix("Zeile 2000 größer ☃"))
        #expect(errors.contains("Zeile 1900 größer ☃\n"))
        #expect(!errors.contains("Zeile 1 größer"))
        #expect(!errors.contains("\u{FFFD}"))
        #expect((3_900...4_096).contains(errors.utf8.count))
    }

    @Test("standard error that is not UTF-8 is kept as text and does not stop the worker")
    func errorBytes() async throws {
        try await place.stint("put", "x", "--max-attempts", "1")
        try await drain(#"printf 'a\377\000b' >&2; exit 1"#)
        #expect(try await place.job(1).failures?.first?.error == "exit 1: a\u{FFFD}\u{FFFD}b")
    }
}
