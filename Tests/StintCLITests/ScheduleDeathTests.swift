import Foundation
import StintPlatform
import Subprocess
import TestSupport
import Testing

/// Real processes that tick together, under clocks that run fast, and that are killed meanwhile.
@Suite("Each tick makes exactly one job, whoever ticks and dies", .inOwnFolder, .timeLimit(.minutes(5)))
struct ScheduleDeathTests {
    let place = Workplace.ofThisTest

    private struct Job: Decodable {
        let headers: [String: String]
    }

    /// The ticks of all jobs that are there, in order.
    private func ticks() async throws -> [Date] {
        try await place.stint("list", "--limit", "100000", "--json").split(separator: "\n").map { line in
            let job = try JSONDecoder().decode(Job.self, from: Data(line.utf8))
            return try Date(try #require(job.headers["schedule-tick"]), strategy: .iso8601)
        }.sorted()
    }

    @Test("reaps and workers on a clock that runs sixty times as fast, each killed after a moment")
    func killed() async throws {
        var generator = SeededGenerator(seed: chosenSeed())
        try await place.stint("schedule", "set", "s", "--every", "5s", "--missed", "all", "--queue", "made", "x")
        let seeds = (0..<4).map { _ in generator.next() }
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Int.self) { group in
            for (index, seed) in seeds.enumerated() {
                group.addTask {
                    var generator = SeededGenerator(seed: seed)
                    var deaths = 0
                    while ContinuousClock.now < start + .seconds(12) {
                        // One clock for all.
                        let ahead = Int((ContinuousClock.now - start) / .milliseconds(1)) * 60 / 1_000
                        // Half of them do nothing else; workers of another queue tick too.
                        let command =
                            index % 2 == 0 ? ["reap"] : ["work", "--queue", "other", "--", "true"]
                        _ = try await place.whileRunning(
                            ["-f", "+\(ahead)s x60", Workplace.stint] + command, of: FakeTime.program(),
                            environment: ["DONT_FAKE_MONOTONIC": "1"]
                        ) { process in
                            let moment = Int.random(in: 0...(index % 2 == 0 ? 80 : 900), using: &generator)
                            try await Task.sleep(for: .milliseconds(moment))
                            // `faketime` starts a process of its own, and ends with it.
                            try await eventually("stint runs") { !process.children.isEmpty || !process.isAlive }
                            for stint in process.children {
                                stint.send(SIGKILL)
                                deaths += 1
                            }
                        }
                    }
                    return deaths
                }
            }
            let deaths = try await group.reduce(0, +)
            #expect(deaths > 10)
        }
        // Those of workers whose supervisor was killed end by themselves.
        _ = try await place.later("+1h", "reap")
        let ticks = try await ticks()
        #expect(ticks.count > 100)
        #expect(Set(ticks).count == ticks.count, "a tick has made two jobs")
        #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $1.timeIntervalSince($0) == 5 }, "a tick has made no job")
        let doctor = try await place.attempt("doctor")
        // The jobs are from the future, which it reports too.
        for finding in ["ok    states", "ok    counts", "ok    schedules"] {
            #expect(doctor.output.contains(finding), "\(doctor)")
        }
    }

    /// A clock that all processes share, and that can be set while they run.
    private struct SharedClock {
        let place: Workplace

        var environment: [Environment.Key: String?] {
            [
                "FAKETIME_TIMESTAMP_FILE": place.path("clock"), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
            ]
        }

        /// The arguments of `faketime` for a program whose clock is the file: the program's own, since `faketime`
        /// itself knows clocks in its arguments only.
        func arguments(_ arguments: [String]) -> [String] {
            ["-f", "+0", "sh", "-c", "unset FAKETIME; exec \"$0\" \"$@\"", Workplace.stint] + arguments
        }

        func set(_ time: Date) throws {
            let ahead = time.timeIntervalSinceNow
            try place.write("clock-new", Array("\(ahead < 0 ? "" : "+")\(ahead)".utf8))
            guard rename(place.path("clock-new"), place.path("clock")) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    @Test(
        "workers and reaps on a clock that jumps over a change of the clocks, some killed, all with the same clock",
        arguments: [
            // Spring: 02:30 does not exist, and comes at 03:00, which is 01:00 UTC. The clock skips from 02:00 to
            // 03:00.
            ("2026-03-28T23:50:00Z", ["2026-03-29T01:00:00Z"]),
            // Autumn: 02:30 comes twice, and counts at the first time.
            ("2026-10-24T22:50:00Z", ["2026-10-25T00:30:00Z"]),
        ])
    func daylightSaving(_ beginning: String, _ fixed: [String]) async throws {
        var generator = SeededGenerator(seed: chosenSeed())
        let start = try Date(beginning, strategy: .iso8601)
        let clock = SharedClock(place: place)
        try clock.set(start)
        func stint(_ arguments: String...) async throws -> Outcome {
            try await place.run(
                FakeTime.program(), .init(clock.arguments(arguments)), environment: clock.environment)
        }
        func set(_ name: String, _ cron: String, _ missed: String) async throws {
            let outcome = try await stint(
                "schedule", "set", name, "--cron", cron, "--timezone", "Europe/Berlin", "--missed", missed, "--queue",
                name, name)
            try #require(outcome.code == 0, "\(outcome)")
        }
        try await set("fixed", "30 2 * * *", "once")
        try await set("hourly", "0 * * * *", "all")
        func ticks(_ name: String) async throws -> [String] {
            let outcome = try await stint("list", "--queue", name, "--limit", "100000", "--json")
            return try outcome.output.split(separator: "\n").map { line in
                try #require(
                    try JSONDecoder().decode(Job.self, from: Data(line.utf8)).headers["schedule-tick"])
            }.sorted()
        }
        // Ten to twenty minutes at a time, to four hours later.
        var times: [Date] = []
        while (times.last ?? start) < start + 4 * 3_600 {
            times.append((times.last ?? start) + Double.random(in: 600...1_200, using: &generator))
        }
        let kills = times.map { _ in Bool.random(using: &generator) }
        var workers: [Task<Outcome, any Error>] = []
        let supervisors = Supervisors()
        func startWorker() {
            workers.append(
                Task {
                    try await place.whileRunning(
                        clock.arguments(["work", "--queue", "other", "--workers", "1", "--", "true"]),
                        of: FakeTime.program(), environment: clock.environment
                    ) { process in
                        // `faketime` starts it as a process of its own, and ends with it.
                        try await eventually("stint runs") { !process.children.isEmpty || !process.isAlive }
                        for stint in process.children { await supervisors.add(stint) }
                    }
                })
        }
        for _ in 1...3 { startWorker() }
        for (index, time) in times.enumerated() {
            try clock.set(time)
            if kills[index] {
                await supervisors.killOne()
                startWorker()
            }
            // A schedule that is set wakes up all that tick, so that they look at the clock.
            try await set("poke", "\(index) 0 1 1 *", "skip")
            async let one = stint("reap")
            async let other = stint("reap")
            _ = try await (one, other)
        }
        await supervisors.killAll()
        for worker in workers { _ = try await worker.value }
        _ = try await stint("reap")
        #expect(try await ticks("fixed") == fixed)
        let last = try #require(times.last)
        let hours = stride(from: start.timeIntervalSince1970 + 600, through: last.timeIntervalSince1970, by: 3_600)
        #expect(try await ticks("hourly") == hours.map { Date(timeIntervalSince1970: $0).ISO8601Format() })
    }

    /// The supervisors that run.
    private actor Supervisors {
        private var processes: [RunningProcess] = []

        func add(_ process: RunningProcess) { processes.append(process) }

        func killOne() {
            guard !processes.isEmpty else { return }
            processes.removeFirst().send(SIGKILL)
        }

        func killAll() {
            for process in processes { process.send(SIGKILL) }
            processes = []
        }
    }
}
