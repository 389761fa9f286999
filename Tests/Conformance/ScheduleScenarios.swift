import Foundation
import StintCore
import TestSupport
import Testing

extension Stage {
    /// A schedule whose job has its name as payload.
    fileprivate func schedule(
        _ name: String = "s", _ recurrence: Schedule.Recurrence? = nil, missed: MissedTicks = .once,
        payload: String? = nil, options: JobOptions = JobOptions()
    ) throws -> Schedule {
        let job = try NewJob(Array((payload ?? name).utf8), in: "q", options: options)
        return try Schedule(name, recurrence ?? .every(.seconds(60)), missed: missed, job: job)
    }

    /// The ticks and the payloads of the ready jobs of queue "q", in the order of their ids.
    fileprivate func made() async throws -> [String] {
        var made: [String] = []
        for record in try await store.list(JobFilter(queue: "q")).sorted(by: { $0.id.rawValue < $1.id.rawValue }) {
            let job = try #require(try await store.job(record.id))
            made.append("\(String(decoding: job.payload, as: UTF8.self)) \(record.headers[Headers.tick] ?? "-")")
        }
        return made
    }

    /// The schedules and ticks of all jobs of queue "q".
    fileprivate func ticks() async throws -> [String] {
        try await store.list(JobFilter(queue: "q", limit: 100_000)).map { record in
            "\(record.headers[Headers.schedule] ?? "-") \(record.headers[Headers.tick] ?? "-")"
        }
    }

    fileprivate func next(_ name: String = "s") async throws -> String? {
        try await store.schedule(name)?.record.nextTickMilliseconds.map(utcText)
    }
}

let scheduleScenarios: [Scenario] = [
    Scenario("a schedule makes one job at each tick, with its name and the tick in the headers") { stage in
        #expect(try await stage.store.setSchedule(stage.schedule()) == .added)
        #expect(try await stage.store.tick() == TickReport(untilNext: .seconds(60)))
        for minute in 1...3 {
            stage.clock.advance(by: .seconds(60))
            #expect(try await stage.store.tick() == TickReport(ticks: 1, untilNext: .seconds(60)))
            #expect(try await stage.store.tick() == TickReport(untilNext: .seconds(60)))
            #expect(try await stage.made().count == minute)
        }
        #expect(
            try await stage.made() == [
                "s 2027-01-15T08:01:00Z", "s 2027-01-15T08:02:00Z", "s 2027-01-15T08:03:00Z",
            ])
        let record = try #require(try await stage.store.schedules().first)
        #expect(record.lastTicks.map { utcText($0.time.timestamp) }.first == "2027-01-15T08:03:00Z")
        #expect(record.lastTicks.map(\.job.rawValue) == [3, 2, 1])
        #expect(try await stage.store.job(JobID(rawValue: 1))?.record.headers[Headers.schedule] == "s")
        #expect(record.nextTicks(2).map { utcText($0.timestamp) } == ["2027-01-15T08:04:00Z", "2027-01-15T08:05:00Z"])
    },
    Scenario("a job of a schedule has the options of the schedule") { stage in
        var options = JobOptions(
            priority: 7, delay: .seconds(5), maxAttempts: 3, maxCrashes: 2, timeToRun: .seconds(9), uniqueKey: "k",
            group: "g", expires: .seconds(3_600))
        try options.headers.set("a", to: "b")
        _ = try await stage.store.setSchedule(stage.schedule(options: options))
        stage.clock.advance(by: .seconds(60))
        _ = try await stage.store.tick()
        let job = try #require(try await stage.store.list(JobFilter()).first)
        #expect(job.state == .delayed && job.priority == 7 && job.maxAttempts == 3 && job.maxCrashes == 2)
        #expect(job.timeToRun == .seconds(9) && job.uniqueKey == "k" && job.headers["a"] == "b")
        #expect(job.group == "g" && job.expiresAtMilliseconds == job.enqueuedAtMilliseconds + 3_600_000)
        // While it is not done, its key keeps others away, and their ticks name it.
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.tick().ticks == 1)
        #expect(try await stage.made().count == 1)
        #expect(try await stage.store.schedule("s")?.record.lastTicks.map(\.job) == [job.id, job.id])
        #expect(try await stage.store.schedule("s")?.record.options == options)
        let digest = JobOptions(
            uniqueKey: "d", onConflict: .collect, debounce: .seconds(5), atMost: .seconds(9), maxEvents: 7,
            maxEventBytes: 99)
        _ = try await stage.store.setSchedule(stage.schedule("digest", options: digest))
        #expect(try await stage.store.schedule("digest")?.record.options == digest)
    },
    Scenario("of missed ticks come none, one or all") { stage in
        for missed in MissedTicks.allCases {
            _ = try await stage.store.setSchedule(stage.schedule(missed.rawValue, missed: missed))
        }
        stage.clock.advance(by: .seconds(5 * 60 + 10))
        // The last one is only ten seconds late.
        #expect(try await stage.store.tickAll().ticks == 7)
        #expect(try await stage.made().filter { $0.hasPrefix("skip") } == ["skip 2027-01-15T08:05:00Z"])
        #expect(try await stage.made().filter { $0.hasPrefix("once") } == ["once 2027-01-15T08:05:00Z"])
        #expect(try await stage.made().filter { $0.hasPrefix("all") }.count == 5)
        try await stage.store.delete(try await stage.store.list(JobFilter()).map(\.id))
        for missed in MissedTicks.allCases {
            _ = try await stage.store.setSchedule(
                stage.schedule(missed.rawValue, .cron("0 * * * *", timeZone: "UTC"), missed: missed))
        }
        stage.clock.advance(by: .seconds(3 * 3_600))
        #expect(try await stage.store.tickAll().ticks == 4)
        #expect(
            try await stage.made().sorted() == [
                "all 2027-01-15T09:00:00Z", "all 2027-01-15T10:00:00Z", "all 2027-01-15T11:00:00Z",
                "once 2027-01-15T11:00:00Z",
            ])
    },
    Scenario("all of very many missed ticks come in several steps, and one of them at once") { stage in
        _ = try await stage.store.setSchedule(stage.schedule("all", .every(.seconds(1)), missed: .all))
        stage.clock.advance(by: .seconds(2_500))
        #expect(try await stage.store.tick() == TickReport(ticks: 1_000, untilNext: .zero))
        #expect(try await stage.store.tickAll().ticks == 1_500)
        #expect(try await stage.stats().ready == 2_500)
        _ = try await stage.store.setSchedule(stage.schedule("once", .cron("* * * * * *", timeZone: "UTC")))
        stage.clock.advance(by: .seconds(40 * 366 * 86_400))
        try await stage.store.changeSchedule("all", .delete)
        #expect(try await stage.store.tickAll().ticks == 1)
        #expect(try await stage.next("once")?.hasPrefix("2067") == true)
    },
    Scenario("setting a schedule again changes nothing; other contents replace it, and its times go on") { stage in
        #expect(try await stage.store.setSchedule(stage.schedule()) == .added)
        #expect(try await stage.store.setSchedule(stage.schedule()) == .unchanged)
        stage.clock.advance(by: .seconds(90))
        #expect(try await stage.store.setSchedule(stage.schedule()) == .unchanged)
        #expect(try await stage.store.setSchedule(stage.schedule(payload: "new")) == .replaced)
        #expect(try await stage.store.tick().ticks == 1, "the missed tick comes with the new contents")
        #expect(try await stage.made() == ["new 2027-01-15T08:01:00Z"])
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.setSchedule(stage.schedule("s", .every(.seconds(30)))) == .replaced)
        #expect(try await stage.made().last == "new 2027-01-15T08:02:00Z", "it was due by the old times")
        #expect(try await stage.store.tick().ticks == 0, "new times begin now")
        #expect(try await stage.next() == "2027-01-15T08:03:00Z")
        for other in [
            try stage.schedule("s", .every(.seconds(30)), missed: .all),
            try stage.schedule("s", .every(.seconds(30)), options: JobOptions(priority: 1)),
            try stage.schedule("s", .every(.seconds(30), from: Date(timeIntervalSince1970: 1))),
            try stage.schedule("s", .cron("* * * * *", timeZone: "UTC")),
            try stage.schedule("s", .cron("* * * * *", timeZone: "Europe/Berlin")),
        ] {
            #expect(try await stage.store.setSchedule(other) == .replaced)
            #expect(try await stage.store.setSchedule(other) == .unchanged)
        }
        #expect(try await stage.store.schedules().count == 1)
        #expect(try await stage.store.schedule("s")?.record.lastTicks.count == 2)
    },
    Scenario("names of schedules are compared by bytes, and listed in their order") { stage in
        let names = ["a", "b", "e\u{301}", "\u{E9}"]
        for name in names.reversed() {
            let setting = try await stage.store.setSchedule(try stage.schedule(name))
            #expect(setting == .added)
        }
        let listed = try await stage.store.schedules().map(\.name)
        #expect(listed.map { Array($0.utf8) } == names.map { Array($0.utf8) })
    },
    Scenario("a paused schedule makes no jobs, and goes on with the next tick when it is resumed") { stage in
        _ = try await stage.store.setSchedule(stage.schedule(missed: .all))
        try await stage.store.changeSchedule("s", .pause)
        try await stage.store.changeSchedule("s", .pause)
        stage.clock.advance(by: .seconds(600))
        #expect(try await stage.store.tick() == TickReport())
        let record = try #require(try await stage.store.schedule("s")).record
        #expect(record.isPaused && record.nextTick == nil && record.nextTicks(5).isEmpty)
        #expect(try await stage.store.setSchedule(stage.schedule(missed: .once)) == .replaced)
        #expect(try await stage.store.schedule("s")?.record.isPaused == true)
        try await stage.store.changeSchedule("s", .resume)
        #expect(try await stage.store.tick() == TickReport(untilNext: .seconds(60)))
        try await stage.store.changeSchedule("s", .resume)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.tick().ticks == 1)
    },
    Scenario("a schedule is run by hand, also when it is paused, and its ticks stay as they are") { stage in
        _ = try await stage.store.setSchedule(stage.schedule())
        try await stage.store.changeSchedule("s", .pause)
        let answer = try await stage.store.runSchedule("s")
        #expect(!answer.isDuplicate)
        #expect(try await stage.made() == ["s -"])
        #expect(try await stage.store.job(answer.id)?.record.headers[Headers.schedule] == "s")
        #expect(try await stage.store.schedule("s")?.record.lastTicks.isEmpty == true)
    },
    Scenario("a deleted schedule makes no jobs, and its jobs stay") { stage in
        _ = try await stage.store.setSchedule(stage.schedule())
        stage.clock.advance(by: .seconds(60))
        _ = try await stage.store.tick()
        try await stage.store.changeSchedule("s", .delete)
        stage.clock.advance(by: .seconds(600))
        #expect(try await stage.store.tick() == TickReport())
        #expect(try await stage.stats().ready == 1)
        #expect(try await stage.store.schedules().isEmpty)
        #expect(try await stage.store.schedule("s") == nil)
        #expect(try await stage.store.setSchedule(stage.schedule()) == .added)
    },
    Scenario("a schedule that does not exist is not found, and one that never ticks is refused") { stage in
        try await stage.expectRefusal(.notFound) { try await stage.store.changeSchedule("s", .pause) }
        try await stage.expectRefusal(.notFound) { try await stage.store.changeSchedule("s", .delete) }
        try await stage.expectRefusal(.notFound) { _ = try await stage.store.runSchedule("s") }
        let never = try stage.schedule("s", .cron("*/5 2 25-31 3 */7", timeZone: "Europe/Berlin"))
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.setSchedule(never) }
        #expect(try await stage.store.schedules().isEmpty)
    },
    Scenario("a tick makes no second job after the clock was set back, and ticks go on") { stage in
        _ = try await stage.store.setSchedule(stage.schedule(missed: .all))
        stage.clock.advance(by: .seconds(180))
        #expect(try await stage.store.tick().ticks == 3)
        // A little: the clock is adjusted all the time.
        stage.clock.setWall(ahead: .seconds(-30))
        #expect(try await stage.store.tick() == TickReport(untilNext: .seconds(90)))
        stage.clock.setWall(ahead: .seconds(-100))
        #expect(try await stage.store.tick().ticks == 0)
        for _ in 1...4 {
            stage.clock.advance(by: .seconds(60))
            _ = try await stage.store.tick()
        }
        #expect(
            try await stage.made() == [
                "s 2027-01-15T08:01:00Z", "s 2027-01-15T08:02:00Z", "s 2027-01-15T08:03:00Z", "s 2027-01-15T08:04:00Z",
            ])
    },
    Scenario("ticks go on after a clock that was years ahead was set right") { stage in
        _ = try await stage.store.setSchedule(stage.schedule())
        stage.clock.setWall(ahead: .seconds(10 * 366 * 86_400))
        #expect(try await stage.store.tick().ticks == 1)
        stage.clock.setWall(ahead: .seconds(-10 * 366 * 86_400))
        #expect(try await stage.store.tick() == TickReport(untilNext: .seconds(60)))
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.tick().ticks == 1)
    },
    Scenario("a change of a schedule is heard by those who tick") { stage in
        var changes = stage.store.scheduleChanges().makeAsyncIterator()
        _ = try await stage.store.setSchedule(stage.schedule())
        #expect(await changes.next() != nil)
        try await stage.store.changeSchedule("s", .pause)
        #expect(await changes.next() != nil)
    },
    Scenario("a reap ticks") { stage in
        _ = try await stage.store.setSchedule(stage.schedule())
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.reapAll() == ReapReport(ticked: 1))
        #expect(try await stage.reapAll() == ReapReport())
    },
    Scenario("many processes that declare the same schedule at once make one, and one of them is told so") { stage in
        let settings = try await withThrowingTaskGroup(of: ScheduleSetting.self) { group in
            for _ in 1...8 {
                group.addTask {
                    try await JobQueue(store: AnyJobStore(stage.store, address: "test")).schedule(
                        "nightly", .cron("0 3 * * *", timeZone: "Europe/Berlin"), CleanUp(days: 7), in: "q")
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(settings.filter { $0 == .added }.count == 1 && settings.filter { $0 == .unchanged }.count == 7)
        let details = try #require(try await stage.store.schedule("nightly"))
        #expect(details.record.options.headers[Headers.jobName] == CleanUp.jobName)
        #expect(String(decoding: details.payload, as: UTF8.self) == #"{"days":7}"#)
        stage.clock.advance(by: .seconds(86_400))
        #expect(try await stage.store.tickAll().ticks == 1)
        let changed = try await JobQueue(store: AnyJobStore(stage.store, address: "test")).schedule(
            "nightly", .cron("0 3 * * *", timeZone: "Europe/Berlin"), CleanUp(days: 8), in: "q")
        #expect(changed == .replaced)
    },
    Scenario("a schedule whose payload is refused is not saved, and the one of its name stays") { stage in
        let queue = JobQueue(store: AnyJobStore(stage.store, address: "test"))
        _ = try await stage.store.setSchedule(stage.schedule())
        for name in ["s", "t"] {
            await #expect(throws: Unencodable.self) {
                try await queue.schedule(name, .every(.seconds(60)), Unencodable(), in: "q")
            }
            await #expect(throws: StintError.self) {
                let large = CleanUp(days: 7, text: String(repeating: "x", count: NewJob.maximumPayloadBytes))
                try await queue.schedule(name, .every(.seconds(60)), large, in: "q")
            }
            await #expect(throws: StintError.self) {
                try await queue.schedule(
                    name, .every(.seconds(60)), CleanUp(days: 7), in: "q", options: JobOptions(maxAttempts: 0))
            }
        }
        #expect(try await stage.store.schedules().map(\.name) == ["s"])
        #expect(try await stage.store.setSchedule(stage.schedule()) == .unchanged)
    },
    Scenario("a tick that is due when the times of its schedule are changed makes its job") { stage in
        _ = try await stage.store.setSchedule(stage.schedule("s", .every(.seconds(60)), payload: "old"))
        stage.clock.advance(by: .seconds(65))
        let other = try stage.schedule("s", .every(.seconds(600)), payload: "new")
        #expect(try await stage.store.setSchedule(other) == .replaced)
        #expect(try await stage.made() == ["old 2027-01-15T08:01:00Z"])
        #expect(try await stage.next() == "2027-01-15T08:10:00Z")
        // Both times have the next tick; it makes one job.
        stage.clock.advance(by: .seconds(9 * 60))
        #expect(try await stage.store.setSchedule(stage.schedule("s", .every(.seconds(60)))) == .replaced)
        #expect(try await stage.store.tickAll().ticks == 0)
        #expect(try await stage.made() == ["old 2027-01-15T08:01:00Z", "new 2027-01-15T08:10:00Z"])
        // One that is paused has no ticks.
        try await stage.store.changeSchedule("s", .pause)
        stage.clock.advance(by: .seconds(600))
        #expect(try await stage.store.setSchedule(stage.schedule("s", .every(.seconds(7)))) == .replaced)
        #expect(try await stage.made().count == 2)
    },
    Scenario("equal intervals do not drift when ticks come late, and each program counts from the same time") { stage in
        _ = try await stage.store.setSchedule(stage.schedule("s", .every(.seconds(90)), missed: .all))
        for late in [10, 80, 1, 45] {
            stage.clock.advance(by: .seconds(90 + late))
            _ = try await stage.store.tickAll()
        }
        let ticks = try await stage.store.schedule("s")!.record.lastTicks.map(\.time.timestamp)
        #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0 - $1 == 90_000 })
        #expect(ticks.allSatisfy { $0 % 90_000 == 0 })
        // Deleted and set again later: the same phase.
        try await stage.store.changeSchedule("s", .delete)
        stage.clock.advance(by: .seconds(17))
        _ = try await stage.store.setSchedule(stage.schedule("s", .every(.seconds(90))))
        #expect(try await stage.store.schedule("s")!.record.nextTickMilliseconds! % 90_000 == 0)
    },
    Scenario("a queue that is paused gets the jobs of ticks, and they run when it is resumed") { stage in
        _ = try await stage.store.setSchedule(stage.schedule(missed: .all))
        try await stage.store.configure("q", QueueSettings(paused: true))
        stage.clock.advance(by: .seconds(180))
        #expect(try await stage.store.tickAll().ticks == 3)
        #expect(try await stage.stats().ready == 3)
        let request = ClaimRequest(queues: ["q"], limit: 9, lease: .seconds(9), worker: "test:1")
        #expect(try await stage.store.claim(request).isEmpty)
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(try await stage.store.claim(request).count == 3)
    },
    Scenario("the ticks of a digest are its events, and those of a job that is replaced leave one job") { stage in
        for (name, policy) in [("digest", ConflictPolicy.collect), ("replaced", .replace)] {
            _ = try await stage.store.setSchedule(
                stage.schedule(name, missed: .all, options: JobOptions(uniqueKey: name, onConflict: policy)))
        }
        stage.clock.advance(by: .seconds(180))
        #expect(try await stage.store.tickAll().ticks == 6)
        #expect(try await stage.stats().ready == 2)
        for schedule in try await stage.store.schedules() {
            #expect(schedule.lastTicks.count == 3 && Set(schedule.lastTicks.map(\.job)).count == 1, "\(schedule)")
        }
        let jobs = try await stage.store.claim(
            ClaimRequest(queues: ["q"], limit: 9, lease: .seconds(9), worker: "test:1"))
        #expect(jobs.map { $0.events?.count ?? 1 }.sorted() == [1, 3])
    },
    Scenario("a job of a schedule that expires counts from its tick's enqueue") { stage in
        _ = try await stage.store.setSchedule(
            stage.schedule(missed: .all, options: JobOptions(group: "g", expires: .seconds(90))))
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.tickAll().ticks == 1)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.tickAll().ticks == 1)
        stage.clock.advance(by: .seconds(40))
        let jobs = try await stage.store.claim(
            ClaimRequest(queues: ["q"], limit: 9, lease: .seconds(9), worker: "test:1"))
        #expect(jobs.map { $0.headers[Headers.tick] } == ["2027-01-15T08:02:00Z"])
    },
    Scenario("a tick of each second comes under load: a hundred schedules, and several that tick at once") { stage in
        for number in 1...100 {
            _ = try await stage.store.setSchedule(
                stage.schedule("s\(number)", .cron("* * * * * *", timeZone: "UTC"), missed: .all))
        }
        for _ in 1...3 {
            stage.clock.advance(by: .seconds(2))
            let ticks = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...4 { group.addTask { try await stage.store.tickAll().ticks } }
                return try await group.reduce(0, +)
            }
            #expect(ticks == 200)
        }
        #expect(try await stage.stats().ready == 600)
        let ticks = try await stage.ticks()
        #expect(ticks.count == 600 && Set(ticks).count == 600)
    },
    Scenario("whatever the clock does, a tick makes one job, none is missing under `all`, and `once` makes up once") {
        stage in
        var generator = SeededGenerator(seed: chosenSeed())
        let start = stage.clock.now().wall
        var latest = start
        _ = try await stage.store.setSchedule(stage.schedule("all", missed: .all))
        _ = try await stage.store.setSchedule(stage.schedule("once", missed: .once))
        for _ in 1...60 {
            let before = try await stage.ticks().count { $0.hasPrefix("once") }
            switch Int.random(in: 0..<10, using: &generator) {
            case 0...5: stage.clock.advance(by: .seconds(Int.random(in: 1...200, using: &generator)))
            case 6, 7: stage.clock.setWall(ahead: .seconds(Int.random(in: 1...4_000, using: &generator)))
            default: stage.clock.setWall(ahead: .seconds(-Int.random(in: 1...4_000, using: &generator)))
            }
            latest = max(latest, stage.clock.now().wall)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...3 { group.addTask { _ = try await stage.store.tickAll() } }
                try await group.waitForAll()
            }
            #expect(try await stage.ticks().count { $0.hasPrefix("once") } <= before + 1)
        }
        let made = try await stage.ticks()
        #expect(made.count == Set(made).count, "a tick has made two jobs")
        let expected = stride(from: (start / 60_000 + 1) * 60_000, through: latest, by: 60_000).map {
            "all \(utcText($0))"
        }
        #expect(Set(expected).subtracting(made).isEmpty, "a tick has made no job")
    },
]

/// Parameters of a scheduled job.
private struct CleanUp: JobParameters {
    static let jobName = "clean-up"
    var days: Int
    var text: String?
}

/// Parameters that cannot be encoded.
private struct Unencodable: JobParameters, Error {
    static let jobName = "unencodable"

    init() {}
    init(from decoder: any Decoder) throws { throw Self() }
    func encode(to encoder: any Encoder) throws { throw Self() }
}
