import Foundation
import StintPlatform
import TestSupport
import Testing

@Suite("stint schedule", .inOwnFolder, .timeLimit(.minutes(5)))
struct ScheduleCommandTests {
    let place = Workplace.ofThisTest

    private struct Document: Decodable {
        let name: String
        let queue: String
        let times: String
        let cron: String?
        let timeZone: String?
        let everyMilliseconds: Int?
        let missed: String
        let paused: Bool
        let lastTicks: [Tick]
        let nextTicks: [Int]
        let priority: Int
        let headers: [String: String]
        let payload: String?
        let payloadBase64: String?

        struct Tick: Decodable {
            let at: Int
            let job: Int
        }
    }

    private func show(_ name: String) async throws -> Document {
        let text = try await place.stint("schedule", "show", name, "--json")
        return try JSONDecoder().decode(Document.self, from: Data(text.utf8))
    }

    @Test("sets, lists and shows a schedule in plain words")
    func set() async throws {
        let arguments = [
            "schedule", "set", "nightly", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--queue", "chores",
            "--priority", "7", "--header", "a=b", "clean up",
        ]
        let added = try await place.attempt(arguments)
        #expect(added.output.hasPrefix("added nightly: at 02:30 every day, Europe/Berlin; next at "), "\(added)")
        let again = try await place.attempt(arguments)
        #expect(again.output.hasPrefix("unchanged nightly: "), "\(again)")
        let list = try await place.stint("schedule", "list")
        let lines = list.split(separator: "\n")
        #expect(lines[0] == "nightly: at 02:30 every day, Europe/Berlin")
        #expect(lines[1] == "  queue   chores" && lines[2] == "  missed  ticks make one job for all (once)")
        #expect(lines[3] == "  last    never" && lines[4].hasPrefix("  next    20"), "\(list)")
        #expect(list.matches(of: #/20\d\d-\d\d-\d\d \d\d:30/#).count == 5, "\(list)")
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(list)")
        let text = try await place.stint("schedule", "show", "nightly")
        for line in ["nightly for queue 'chores'", "30 2 * * * in Europe/Berlin", "clean up", "once", "a: b"] {
            #expect(text.contains(line), "\(text)")
        }
        let document = try await show("nightly")
        #expect(document.cron == "30 2 * * *" && document.timeZone == "Europe/Berlin" && document.missed == "once")
        #expect(document.payload == "clean up" && document.priority == 7 && document.headers == ["a": "b"])
        #expect(document.nextTicks.count == 5 && document.lastTicks.isEmpty && !document.paused)
        #expect(try await place.stint("schedule", "show", "nightly", "--payload") == "clean up")
        #expect(try await place.stint("schedule", "list", "--json").split(separator: "\n").count == 1)
    }

    @Test("its jobs have all options of put, also a group, an expiry and a digest")
    func options() async throws {
        try await place.stint(
            "schedule", "set", "s", "--every", "1h", "--group", "customer-7", "--expires", "2h", "--unique", "k",
            "--on-conflict", "collect", "--max-events", "5", "x")
        let schedule = try await place.stint("schedule", "show", "s")
        for text in ["customer-7", "after 2h", "collect", "at most 5, of 16777216 bytes"] {
            #expect(schedule.contains(text), "\(schedule)")
        }
        for _ in 1...2 { #expect(try await place.stint("schedule", "run", "s") == "1\n") }
        let job = try await place.stint("show", "1")
        for text in ["customer-7", "expires", "2 bytes in 2 events"] { #expect(job.contains(text), "\(job)") }
        let wrong = try await place.refusal("schedule", "set", "s", "--every", "1h", "--at-most", "1s", "x")
        #expect(wrong.code == 64 && wrong.sentence.contains("--at-most goes with --debounce only"))
    }

    @Test("pauses, resumes, runs and deletes a schedule")
    func change() async throws {
        #expect(
            try await place.stint("schedule", "set", "s", "--every", "90s", "--missed", "all", "x")
                .hasPrefix("added s: every 90 seconds; next at "))
        #expect(try await place.stint("schedule", "pause", "s") == "paused s\n")
        #expect(try await place.stint("schedule", "list").contains("paused"))
        #expect(try await show("s").paused)
        #expect(try await place.stint("schedule", "run", "s") == "1\n")
        #expect(try await place.job(1).headers == ["schedule": "s"])
        #expect(try await place.stint("schedule", "resume", "s").hasPrefix("resumed s, next at "))
        #expect(try await show("s").nextTicks.count == 5)
        #expect(try await place.stint("schedule", "delete", "s") == "deleted s\n")
        #expect(try await place.stint("schedule", "list") == "no schedules\n")
        for command in ["pause", "resume", "run", "delete", "show"] {
            let refusal = try await place.refusal("schedule", command, "s")
            #expect(refusal.code == 65)
            #expect(refusal.sentence == "there is no schedule 's': it was deleted, or never set")
        }
    }

    @Test("what is wrong is refused in one sentence, and nothing is made of it")
    func refusals() async throws {
        for (arguments, says) in [
            (["--cron", "61 * * * *", "x"], "the minute '61' of the cron expression '61 * * * *' is not known"),
            (["--cron", "0 0 30 2 *", "x"], "never comes"),
            (["--cron", "@daily", "--timezone", "Europe/Berln", "x"], "the time zone 'Europe/Berln' is not known"),
            (["--every", "999ms", "x"], "at least 1 second"),
            (["--cron", "@daily", "x", "--max-attempts", "0"], "maxAttempts is 0"),
            (["--cron", "@daily", "x", "--header", "schedule=x"], "is Stint's own"),
            (["--cron", "@daily", "--file", "missing"], "'missing' cannot be read"),
        ] {
            let outcome = try await place.attempt(["schedule", "set", "s"] + arguments)
            let refusal = try #require(Refusal(outcome), "\(arguments): \(outcome)")
            #expect(refusal.code == 65 && refusal.sentence.contains(says), "\(refusal)")
        }
        for (arguments, says) in [
            (["--missed", "later", "--every", "1h", "x"], "--missed"), (["--every", "often", "x"], "--every"),
            (["--every", "0s", "x"], "1 second"), (["--every", "-5s", "x"], "--every"), (["x"], "--cron or --every"),
            (["--every", "1h"], "no payload was given"), (["--every", "1h", "--cron", "@daily", "x"], "--every"),
            (["--every", "1h", "--timezone", "UTC", "x"], "--timezone"),
            (["--cron", "@daily", "--timezone", "", "x"], "the time zone ''"),
            (["--cron", "@daily", "--timezone", "../../etc/passwd", "x"], "the time zone '../../etc/passwd'"),
            (["--cron", "@daily", "--timezone", "+01:00", "x"], "the time zone '+01:00'"),
            (["--cron", "@daily", "--queue", "two words", "x"], "queue"),
            (["--cron", "@daily", "--group", "", "x"], "group"),
            (["--cron", "@daily", "--expires", "soon", "x"], "--expires"),
            (["--cron", "@daily", "--on-conflict", "merge", "x"], "--on-conflict"),
            (["--cron", "0 3 * * * 7 9", "x"], "7 fields"), (["--cron", "0 3", "x"], "2 fields"),
            (["--cron", "@sometimes", "x"], "'@sometimes' is not known"),
        ] {
            let outcome = try await place.attempt(["schedule", "set", "s"] + arguments)
            let refusal = try #require(Refusal(outcome), "\(arguments): \(outcome)")
            #expect([64, 65].contains(refusal.code) && refusal.sentence.contains(says), "\(arguments): \(refusal)")
        }
        let name = try await place.refusal("schedule", "set", "two words", "--every", "1s", "x")
        #expect(name.code == 65 && name.sentence.contains("the schedule name 'two words' has white space"))
        #expect(try place.snapshot().isEmpty)
    }

    @Test("reap ticks, and doctor reports a schedule that is late or cannot tick")
    func reap() async throws {
        try await place.stint("schedule", "set", "s", "--every", "1h", "x")
        let sound = try await place.stint("doctor")
        #expect(sound.contains("ok    schedules: 1, none of them late; next 's' at 20"), "\(sound)")
        #expect(sound.contains("no worker runs: nothing ticks unless"), "\(sound)")
        let top = try await place.stint("top", "--once", "--interval", "100ms")
        #expect(top.contains("1 schedule, next s in "), "\(top)")
        let late = try await place.later("+2h", "doctor")
        #expect(late.code == 1)
        #expect(late.output.contains("WRONG schedules: 's' has been due for"), "\(late)")
        #expect(late.output.contains("nothing ticks; start a worker, or let cron run `stint reap` each minute"))
        #expect(try await place.later("+2h", "reap").output == "requeued 0, buried 0, pruned 0, ticked 1\n")
        #expect(try await place.later("+2h", "doctor").code == 0)
        #expect(try await place.later("+2h", "reap").output == "requeued 0, buried 0, pruned 0\n")
        let broken = try await place.shell(
            "sqlite3 stint.db \"UPDATE stint_schedules SET cron = '61 * * * *', time_zone = 'UTC', every_ms = NULL\"")
        #expect(broken.code == 0, "\(broken)")
        let doctor = try await place.attempt("doctor")
        #expect(doctor.code == 1 && doctor.output.contains("'s' cannot tick: the minute '61'"), "\(doctor)")
        #expect(try await place.stint("schedule", "list").contains("s: cannot tick: the minute '61'"))
        #expect(try await place.stint("top", "--once", "--interval", "100ms").contains("s cannot tick"))
        _ = try await place.later("+9h", "reap")
        #expect(try await place.counts().ready == 1)
    }

    @Test("a worker starts the job of a tick, also of a schedule that is set while it waits")
    func worker() async throws {
        try await place.stint("put", "first")
        let outcome = try await place.whileRunning(["work", "--", "sh", "-c", "cat >> ran; echo >> ran"]) { worker in
            try await eventually("the worker waits") { try place.lines("ran") == ["first"] }
            try await place.stint("schedule", "set", "s", "--every", "1s", "tick")
            try await eventually("it ticks") { try place.lines("ran").count >= 4 }
            worker.send(SIGTERM)
        }
        #expect(outcome.code == 0, "\(outcome.errors)")
        let ticks = try await show("s").lastTicks.map(\.at)
        #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0 - $1 == 1_000 }, "\(ticks)")
    }
}

extension Workplace {
    /// Runs `stint` with a wall clock that is ahead.
    func later(_ offset: String, _ arguments: String...) async throws -> Outcome {
        try await run(
            FakeTime.program(), .init(["-f", offset, Workplace.stint] + arguments),
            environment: ["DONT_FAKE_MONOTONIC": "1"])
    }
}
