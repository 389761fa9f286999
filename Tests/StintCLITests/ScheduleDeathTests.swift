import Foundation
import StintPlatform
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
                            ["-f", "+\(ahead)s x60", Workplace.stint] + command, of: "/usr/bin/faketime",
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
}
