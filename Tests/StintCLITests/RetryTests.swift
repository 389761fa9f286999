import Foundation
import StintPlatform
import Subprocess
import TestSupport
import Testing

@Suite("stint retry --dry-run", .inOwnFolder, .timeLimit(.minutes(15)))
struct RetryTests {
    let place = Workplace.ofThisTest

    private struct Report: Decodable {
        let job: Int
        let verdict: String
        let state: String?
        let retryAfterMilliseconds: Int?
        let error: String?
        let hint: String?
        let exitCode: Int?
        let signal: String?
        let standardOutput: String
        let standardOutputBytes: Int
        let standardError: String
        let followUps: [FollowUp]

        struct FollowUp: Decodable {
            let queue: String
            let payload: String
            let headers: [String: String]
        }
    }

    /// A buried job with the id 1 and a header.
    private func buried(_ more: String...) async throws {
        let outcome = try await place.attempt(
            ["put", "to: anna", "--queue", "mail", "--header", "tenant=acme"] + more)
        #expect(outcome.code == 0)
        try await place.stint("bury", "1")
    }

    /// What the database has, with everything that a change would leave.
    private func content() async throws -> String {
        let job = try await place.stint("show", "1", "--json")
        return job + (try await place.stint("stats", "--json")) + (try await place.stint("operations", "--json"))
    }

    /// What the command has started in a session of its own.
    private func leftProcess() throws -> pid_t {
        let line = try #require(place.lines("left").first)
        return try #require(pid_t(line))
    }

    private func dryRun(_ arguments: String...) async throws -> (report: Report, code: CInt?) {
        let outcome = try await place.attempt(["retry", "--dry-run", "--json", "1"] + arguments)
        #expect(outcome.errors == "")
        return (try JSONDecoder().decode(Report.self, from: Data(outcome.bytes)), outcome.code)
    }

    @Test("the command gets what a worker would give it, in a scratch folder that is gone afterwards")
    func sameInput() async throws {
        try await buried()
        let script =
            "cat; echo; echo $STINT_JOB_ID $STINT_QUEUE $STINT_ATTEMPT $STINT_MAX_ATTEMPTS $STINT_TOKEN $STINT_DRY_RUN "
            + "$STINT_HEADER_TENANT; echo $STINT_DB; pwd; echo $TMPDIR; ls -A | wc -l; touch left; mkdir -m 0500 locked"
        let (report, code) = try await dryRun("--", "sh", "-c", script)
        #expect(report.verdict == "done" && report.state == "done" && code == 0)
        let lines = report.standardOutput.split(separator: "\n").map(String.init)
        try #require(lines.count == 6, "\(report)")
        #expect(lines[0] == "to: anna")
        #expect(lines[1] == "1 mail 1 10 0 1 acme")
        #expect(lines[2] == place.path("stint.db"))
        #expect(lines[3] == lines[4] && lines[3] != place.folder && lines[5].hasSuffix("0"))
        #expect(!FileManager.default.fileExists(atPath: lines[3]))
    }

    @Test("neither a byte nor a row of the database changes, whatever the command does")
    func nothingChanges() async throws {
        try await buried()
        // A database's log is emptied by its last user: from now on nobody has it open. A command that ends before its
        // connections are closed leaves that to the next one.
        let before = try await content()
        try await eventually("the log is emptied") {
            _ = try await content()
            return try written().keys.allSatisfy { !$0.hasSuffix("-wal") }
        }
        let files = try written()
        for script in ["true", "exit 1", "exit 65", "kill -SEGV $$"] {
            _ = try await dryRun("--", "sh", "-c", script)
            #expect(try written() == files)
        }
        #expect(try await content() == before)
    }

    /// The files that say what the database has: not the log's index, and no empty log.
    private func written() throws -> [String: String] {
        try place.snapshot().filter {
            !$0.key.hasSuffix("-shm") && !($0.key.hasSuffix("-wal") && $0.value.contains(", 0 bytes,"))
        }
    }

    @Test("for the command, stint itself changes nothing either")
    func innerStint() async throws {
        try await buried()
        let before = try await content()
        let (report, _) = try await dryRun(
            "--", "sh", "-c", "'\(Workplace.stint)' put x; '\(Workplace.stint)' delete 1; '\(Workplace.stint)' stats")
        #expect(report.standardError.count(of: "nothing is changed in a dry run (STINT_DRY_RUN is 1)") == 2)
        #expect(report.standardOutput.contains("mail"))
        #expect(try await content() == before)
    }

    @Test(
        "the exit code, the sentence and the state are those of the outcome",
        arguments: [
            ("exit 0", "done", "done", nil, 0),
            ("echo no such host >&2; exit 3", "failed", "delayed", "exit 3: no such host", 1),
            ("exit 75", "failed", "delayed", "the command asked for a retry (exit 75)", 1),
            ("exit 65", "buried", "buried", "the command refused the job (exit 65)", 2),
            ("kill -SEGV $$", "crashed", "delayed", "killed by SIGSEGV", 1),
        ] as [(String, String, String, String?, CInt)])
    func outcomes(script: String, verdict: String, state: String, error: String?, exit: CInt) async throws {
        try await buried()
        let (report, code) = try await dryRun("--", "sh", "-c", script)
        #expect((report.verdict, report.state, report.error) == (verdict, state, error))
        #expect(code == exit)
        #expect((report.retryAfterMilliseconds != nil) == (state == "delayed"))
    }

    @Test("without attempts left a failure would bury it")
    func lastAttempt() async throws {
        try await buried("--max-attempts", "1")
        let (report, code) = try await dryRun("--", "false")
        #expect((report.verdict, report.state, code) == ("failed", "buried", 2))
        #expect(report.error == "no attempts left (1 of 1), last: exit 1")
    }

    @Test("the text for people shows the output, what would become of the job, and escapes what a terminal would obey")
    func text() async throws {
        try await buried()
        let outcome = try await place.attempt(
            "retry", "--dry-run", "1", "--", "sh", "-c", #"printf 'a\033[2Jb\n'; echo oops >&2; exit 4"#)
        #expect(outcome.code == 1)
        for line in [
            "job 1 of queue 'mail', in a dry run: nothing was changed", "standard output:\n  a\\u{1B}[2Jb\n",
            "standard error:\n  oops\n", "the handler ended: exit 4\n", ": exit 4: oops (after ",
        ] { #expect(outcome.output.contains(line), "\(outcome.output)") }
    }

    @Test("of a long output the last 64 KiB are shown, and all is counted")
    func longOutput() async throws {
        try await buried()
        let (report, _) = try await dryRun("--", "sh", "-c", "seq 1 100000")
        #expect(report.standardOutput.utf8.count == 65_536 && report.standardOutput.hasSuffix("\n100000\n"))
        #expect(report.standardOutputBytes == 588_895)
    }

    @Test("past the time to run the command is killed, with what it has started")
    func timeout() async throws {
        try await buried()
        let script = "setsid sh -c 'echo $$ > \(place.path("left")); \(untilThere(place.path("never")))' & sleep 60"
        let start = ContinuousClock.now
        let (report, code) = try await dryRun("--time-to-run", "1s", "--", "sh", "-c", script)
        #expect(ContinuousClock.now - start < .seconds(30))
        #expect((report.verdict, code) == ("crashed", 1))
        #expect(report.error == "timed out after 1.0 seconds")
        let id = try leftProcess()
        #expect(!RunningProcess(id: id).isAlive)
    }

    @Test("after Ctrl-C the command has ended with what it has started, and the scratch folder is gone")
    func interrupted() async throws {
        try await buried()
        let before = try await content()
        let script =
            "pwd > \(place.path("folder")); setsid sh -c 'echo $$ > \(place.path("left")); \(untilThere(place.path("never")))' & "
            + "\(untilThere(place.path("left"))); touch \(place.path("there")); sleep 60"
        let outcome = try await place.whileRunning(["retry", "--dry-run", "1", "--", "sh", "-c", script]) { process in
            try await eventually("it runs") { place.exists("there") }
            process.send(SIGINT)
        }
        #expect(outcome.code == 130)
        #expect(outcome.output.contains("the run was stopped"))
        let id = try leftProcess()
        #expect(!RunningProcess(id: id).isAlive)
        let folder = try #require(place.lines("folder").first)
        #expect(!FileManager.default.fileExists(atPath: folder))
        #expect(try await content() == before)
    }

    @Test("a pipe command answers as it would a worker; its follow-up jobs are listed and not enqueued")
    func pipe() async throws {
        try await buried()
        let before = try await content()
        try place.write(
            "worker.py",
            Array(
                """
                import json, os, sys
                for line in sys.stdin:
                    job = json.loads(line)
                    print("dry" if os.environ["STINT_DRY_RUN"] == "1" else "wet", job["payload"], file=sys.stderr, flush=True)
                    print(json.dumps({"id": job["id"], "token": job["token"], "verdict": "done", "enqueue": [
                        {"queue": "next", "payload": "more", "headers": {"job-name": "follow"}}]}), flush=True)

                """.utf8))
        let (report, code) = try await dryRun("--pipe", "--", "python3", place.path("worker.py"))
        #expect((report.verdict, report.state, code) == ("done", "done", 0), "\(report)")
        #expect(report.standardError == "dry to: anna\n")
        #expect(report.followUps.map(\.queue) == ["next"] && report.followUps.first?.payload == "more")
        #expect(report.followUps.first?.headers == ["job-name": "follow"])
        #expect(try await content() == before)
        let broken = try await dryRun("--pipe", "--", "sh", "-c", "read line; echo no JSON; sleep 60")
        #expect(broken.report.verdict == "failed" && broken.code == 1)
        #expect(broken.report.error?.contains("the handler wrote a line that is no answer: 'no JSON'") == true)
    }

    @Test("a handler that cannot be started, and a file that is not in the scratch folder, are explained")
    func explanations() async throws {
        try await buried()
        try place.write("script.py", Array("print('x')\n".utf8))
        let (report, _) = try await dryRun("--", "python3", "script.py")
        #expect(report.hint?.contains("if 'script.py' is a file of the current folder, give its whole path") == true)
        try place.write("broken", Array("#!/no/such/interpreter\n".utf8))
        chmod(place.path("broken"), 0o755)
        let broken = try await dryRun("--", "./broken")
        #expect((broken.report.verdict, broken.code) == ("notStarted", 3))
        #expect(broken.report.error?.contains("cannot be started") == true)
        #expect(broken.report.state == nil)
    }

    @Test("wrong usage and jobs that cannot be tried are refused")
    func refusals() async throws {
        try await buried()
        let bare = try await place.refusal("retry", "1", "--", "true")
        #expect(bare.code == 64 && bare.sentence.contains("stint kick 1"))
        #expect(try await place.refusal("retry", "--dry-run", "1").code == 64)
        let missing = try await place.refusal("retry", "--dry-run", "9", "--", "true")
        #expect(missing.code == 65 && missing.sentence.hasPrefix("no job has the id 9: "))
        #expect(try await place.refusal("retry", "--dry-run", "1", "--", "no-such-program").code == 65)
        try await place.stint("put", "x", "--queue", "run")
        _ = try await place.whileRunning(["work", "--queue", "run", "--", "sleep", "60"]) { worker in
            try await eventually("it runs") { try await place.job(2).state == "leased" }
            let leased = try await place.refusal("retry", "--dry-run", "2", "--", "true")
            #expect(leased.sentence == "job 2 is leased: a worker runs it now; wait for its end")
            worker.send(SIGTERM)
            try await eventually("it stops") { worker.children.isEmpty || worker.isAlive }
            worker.send(SIGINT)
            worker.send(SIGINT)
        }
    }
}

extension String {
    fileprivate func count(of text: String) -> Int { components(separatedBy: text).count - 1 }
}
