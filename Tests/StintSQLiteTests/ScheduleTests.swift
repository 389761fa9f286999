import GRDB
import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintSQLite

@Suite("Schedules in a file that other programs write too")
struct ScheduleTests {
    private func withQueue(_ body: (JobQueue<SQLiteStore>, TestClock) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options(durability: .normal)
        options.clock = clock
        try await body(try await JobQueue(.sqlite(folder.database, options: options)), clock)
    }

    private func schedule(_ name: String, _ cron: String? = nil) throws -> Schedule {
        try Schedule(
            name, try cron.map { try .cron($0, timeZone: "Europe/Berlin") } ?? .every(.seconds(60)), missed: .all,
            job: try NewJob(Array(name.utf8), in: "q", options: JobOptions(maxAttempts: 3)))
    }

    @Test(
        "a schedule that another program has made invalid does not tick, the others do, and doctor names it",
        arguments: [
            "every_ms = 0", "every_ms = -5", "every_ms = 9223372036854775807", "every_from = 9223372036854775807",
            "every_ms = NULL, cron = '61 * * * *', time_zone = 'UTC'",
            "every_ms = NULL, cron = '* * * * *', time_zone = 'Europe/Berln'",
            "every_ms = NULL, cron = '0 0 30 2 *', time_zone = 'UTC'", "missed = 'perhaps'", "queue = 'two words'",
            "queue = ''", "priority = -1", "priority = 9223372036854775807", "delay_ms = -1",
            "delay_ms = 9223372036854775807", "max_attempts = 0", "max_crashes = -1", "time_to_run_ms = -1",
            "unique_key = ''", "group_name = ''", "expires_ms = -1", "on_conflict = 'merge'",
            "on_conflict = 'collect'", "debounce_ms = 5", "max_events = 0", "max_event_bytes = -7",
            "content_type = char(10)", "headers = 'no colon'", "headers = 'schedule: x'",
            "payload = zeroblob(16777217)",
        ])
    func corrupted(sql: String) async throws {
        try await withQueue { queue, clock in
            for name in ["a", "b", "c"] { try await queue.set(try schedule(name)) }
            try await queue.store.writer.run {
                try $0.execute(sql: "UPDATE stint_schedules SET \(sql) WHERE name = 'b'")
            }
            clock.advance(by: .seconds(60))
            let report = try await queue.store.tickAll()
            let jobs = try await queue.store.list(JobFilter())
            let makers = jobs.compactMap { $0.headers[Headers.schedule] }.sorted()
            let findings = try await queue.store.examine().filter { $0.subject == "schedules" }
            let isHarmless = makers == ["a", "b", "c"] && findings.allSatisfy(\.isGood)
            // It is either as good as another, or it makes nothing and says why.
            if !isHarmless {
                #expect(makers == ["a", "c"], "\(report)")
                #expect(report.problems.count == 1 && report.problems[0].hasPrefix("the schedule 'b' cannot tick: "))
                let named = findings.contains { !$0.isGood && $0.description.hasPrefix("'b' cannot tick: ") }
                #expect(named, "\(findings)")
                #expect(!findings.contains { $0.description.contains("'a'") })
            }
            // It is asked again a minute later, and not at once again and again.
            #expect(try await queue.store.tick().untilNext.map { $0 > .zero } == true)
            clock.advance(by: .seconds(60))
            _ = try await queue.store.tickAll()
            #expect(try await queue.store.list(JobFilter()).count { $0.headers[Headers.schedule] == "c" } == 2)
            // Setting it again repairs it.
            _ = try await queue.set(try schedule("b"))
            clock.advance(by: .seconds(120))
            _ = try await queue.store.tickAll()
            #expect(try await queue.schedule(named: "b")?.record.problem == nil)
            #expect(try await queue.store.list(JobFilter()).contains { $0.headers[Headers.schedule] == "b" })
        }
    }

    @Test("a next tick that was computed by other rules of the zone is corrected, earlier or later")
    func changedRules() async throws {
        try await withQueue { queue, clock in
            // 2027-01-15 08:00 UTC is 9:00.
            try await queue.set(try schedule("s", "30 9 * * *"))
            func say(_ minutes: Int64) async throws {
                let time = clock.now().wall + minutes * 60_000
                try await queue.store.writer.run {
                    try $0.execute(sql: "UPDATE stint_schedules SET next_tick = ?", arguments: [time])
                }
            }
            try await say(10)
            clock.advance(by: .seconds(10 * 60))
            #expect(try await queue.store.tick() == TickReport(untilNext: .seconds(20 * 60)))
            // It was thought to come an hour later: then it comes late, and for its own time.
            try await say(80)
            clock.advance(by: .seconds(80 * 60))
            #expect(try await queue.store.tick().ticks == 1)
            let ticks = try await queue.schedule(named: "s")!.record.lastTicks
            #expect(ticks.map { utcText($0.time.timestamp) } == ["2027-01-15T08:30:00Z"])
        }
    }

    @Test("two stores that declare schedules at once, in turn and again, lose no tick and make none twice")
    func declarations() async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options(durability: .normal)
        options.clock = clock
        let queues = [
            try await JobQueue(.sqlite(folder.database, options: options)),
            try await JobQueue(.sqlite(folder.database, options: options)),
        ]
        // Two versions of a program, which differ in the times of the schedule.
        let versions = [
            try Schedule("s", .every(.seconds(60)), missed: .all, job: try NewJob([1], in: "q")),
            try Schedule("s", .cron("* * * * *", timeZone: "UTC"), missed: .all, job: try NewJob([2], in: "q")),
        ]
        for minute in 1...30 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (queue, version) in zip(queues, versions) {
                    group.addTask {
                        try await queue.set(version)
                        _ = try await queue.store.tickAll()
                    }
                }
                try await group.waitForAll()
            }
            let ticks = try await queues[0].store.list(JobFilter()).map { $0.headers[Headers.tick] }
            #expect(Set(ticks).count == ticks.count && ticks.count == minute - 1)
            clock.advance(by: .seconds(60))
        }
    }

    @Test("doctor says which schedule ticks next, and that nothing ticks if no worker runs")
    func doctor() async throws {
        try await withQueue { queue, clock in
            #expect(try await queue.store.examine().allSatisfy { $0.subject != "schedules" })
            try await queue.set(try schedule("later", "0 12 * * *"))
            try await queue.set(try schedule("sooner", "0 10 * * *"))
            func text() async throws -> String {
                try await queue.store.examine().first { $0.subject == "schedules" }?.description ?? ""
            }
            // doctor looks at the machine's own clock.
            #expect(try await text().contains("2, none of them late; next 'sooner' at 2027-01-15T09:00:00Z"))
            #expect(try await text().contains("no worker runs: nothing ticks unless"))
            let worker = try await queue.store.register(
                WorkerRegistration(name: "w", process: .current, queues: ["q"], concurrency: 1), as: nil)
            #expect(try await !text().contains("no worker runs"))
            try await queue.store.deregister(worker.id)
        }
    }
}
