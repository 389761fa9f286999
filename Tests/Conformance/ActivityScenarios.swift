import Foundation
import StintCore
import Testing

let activityScenarios: [Scenario] = [
    Scenario("each thing that happens to a job is counted once, in its queue") { stage in
        _ = try await stage.enqueue(6)
        try await stage.enqueue(in: "other")
        let jobs = try await stage.claim(6)
        try await stage.settle(jobs[0].lease, .ack)
        try await stage.settle(jobs[1].lease, .fail(error: "e", retryAfter: .seconds(60)))
        try await stage.settle(jobs[2].lease, .crash(error: "SIGSEGV", retryAfter: .seconds(60)))
        try await stage.settle(jobs[3].lease, .bury(reason: "bad"))
        try await stage.store.cancel([jobs[4].id], reason: "called off")
        try await stage.settle(jobs[5].lease, .release(after: .zero))
        var expected = ActivityCounts()
        (expected.enqueued, expected.started, expected.done, expected.failed) = (6, 6, 1, 1)
        (expected.crashed, expected.buried, expected.cancelled) = (1, 1, 1)
        expected.timeInQueue.add(.zero, times: 6)
        // Not of the job that was given back, nor of the one that was cancelled.
        expected.runTime.add(.zero, times: 4)
        let activity = try await stage.activity()
        #expect(activity.total == expected && activity.sum == expected && activity.buckets.count == 1)
        #expect(activity.total.ended == 3)
        #expect(try await stage.activity("other").total.enqueued == 1)
        #expect(try await stage.store.activity(of: nil, last: .zero).map(\.queue) == ["other", "q"])
        #expect(try await stage.store.activity(of: ["missing", "q", "q"], last: .zero).map(\.queue) == ["q"])
    },
    Scenario("a settlement with a stale lease counts nothing") { stage in
        try await stage.enqueue()
        let job = try await stage.claimOne()
        try await stage.settle(job.lease, .ack)
        let before = try await stage.activity()
        for outcome: Settlement.Outcome in [.ack, .fail(error: "e", retryAfter: .zero), .bury(reason: "r")] {
            try await stage.expectLeaseLost(job.lease, outcome)
        }
        #expect(try await stage.activity() == before)
    },
    Scenario("jobs that an enqueue found, replaced or collected count once, and follow-ups count") { stage in
        for policy: ConflictPolicy in [.keep, .replace, .collect] {
            let options = JobOptions(delay: .seconds(9), uniqueKey: policy.rawValue, onConflict: policy)
            for _ in 1...3 { try await stage.enqueue(options: options) }
        }
        #expect(try await stage.activity().total.enqueued == 3)
        try await stage.enqueue(in: "first")
        let job = try await stage.claimOne(from: "first")
        let settlement = Settlement(job.lease, .ack, followUps: [try NewJob([], in: "q")])
        for _ in 1...2 { _ = try await stage.store.settle([settlement]) }
        #expect(try await stage.activity().total.enqueued == 4)
    },
    Scenario("burials count, whoever buries, and a kicked job counts as started again, not as enqueued") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1))
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "e", retryAfter: .zero))
        for _ in 1...2 { try await stage.store.bury([id], reason: "already") }
        try await stage.store.kick([id])
        try await stage.store.bury([id], reason: "by hand")
        try await stage.store.kick([id])
        try await stage.settle(try await stage.claimOne().lease, .ack)
        let total = try await stage.activity().total
        #expect(total.enqueued == 1 && total.started == 2 && total.failed == 1 && total.buried == 2 && total.done == 1)
    },
    Scenario("expiries count, whether a claim or a reap finds them") { stage in
        try await stage.enqueue(options: JobOptions(expires: .seconds(1)))
        try await stage.enqueue(in: "other", options: JobOptions(delay: .seconds(9), expires: .seconds(1)))
        stage.clock.advance(by: .seconds(2))
        #expect(try await stage.claim().isEmpty)
        #expect(try await stage.reap().expired == 1)
        #expect(try await stage.activity().total.expired == 1)
        #expect(try await stage.activity("other").total.expired == 1)
    },
    Scenario("an attempt whose worker dies is a crash, and one whose lease runs out is lost") { stage in
        let worker = try await stage.hire()
        _ = try await stage.enqueue(1)
        let job = try await stage.claim(1, by: worker)[0]
        stage.start(job, by: worker)
        _ = try await stage.reclaim(from: worker)
        var total = try await stage.activity().total
        #expect(total.started == 1 && total.crashed == 1 && total.lost == 0 && total.runTime.isEmpty)
        stage.clock.advance(by: .seconds(60))
        _ = try await stage.claimOne(lease: .seconds(1))
        stage.clock.advance(by: .seconds(2))
        #expect(try await stage.reap().requeued == 1)
        total = try await stage.activity().total
        #expect(total.started == 2 && total.crashed == 1 && total.lost == 1 && total.failed == 0)
    },
    Scenario("time in queue counts from the enqueue, from the end of a delay or retry, and from a kick") { stage in
        func waited() async throws -> Int {
            let activity: QueueActivity = try await stage.activity()
            return activity.total.timeInQueue.totalMilliseconds
        }
        try await stage.enqueue()
        stage.clock.advance(by: .milliseconds(700))
        var job = try await stage.claimOne()
        #expect(try await waited() == 700)
        try await stage.settle(job.lease, .fail(error: "e", retryAfter: .seconds(10)))
        stage.clock.advance(by: .milliseconds(10_020))
        job = try await stage.claimOne()
        #expect(try await waited() == 720)
        try await stage.settle(job.lease, .bury(reason: "r"))
        stage.clock.advance(by: .seconds(100))
        try await stage.store.kick([job.id])
        stage.clock.advance(by: .milliseconds(3))
        job = try await stage.claimOne()
        #expect(try await waited() == 723)
        try await stage.settle(job.lease, .release(after: .zero))
        stage.clock.advance(by: .milliseconds(7))
        try await stage.settle(try await stage.claimOne().lease, .ack)
        #expect(try await waited() == 730)
        let id = try await stage.enqueue(options: JobOptions(delay: .seconds(50)))
        stage.clock.advance(by: .seconds(5))
        try await stage.store.runNow([id])
        stage.clock.advance(by: .milliseconds(4))
        _ = try await stage.claimOne()
        #expect(try await waited() == 734)
        let times = try await stage.activity().total.timeInQueue
        #expect(times.count == 5 && times.quantile(1) == .milliseconds(1_024))
        #expect(times.quantile(0.2) == .milliseconds(4))
    },
    Scenario("time in queue counts from the enqueue in groups too, and from the replacement of a job") { stage in
        try await stage.enqueue(options: JobOptions(delay: .zero, uniqueKey: "k", onConflict: .replace))
        stage.clock.advance(by: .seconds(1))
        try await stage.enqueue(options: JobOptions(uniqueKey: "k", onConflict: .replace))
        #expect(try await stage.activity().oldestReady == .zero)
        stage.clock.advance(by: .milliseconds(16))
        #expect(try await stage.claim().count == 1)
        #expect(try await stage.activity().total.timeInQueue.totalMilliseconds == 16)
        for group in ["a", "b", "a"] { try await stage.enqueue(in: "g", options: JobOptions(group: group)) }
        stage.clock.advance(by: .milliseconds(5))
        let jobs = try await stage.claim(9, from: ["g"])
        #expect(jobs.count == 3)
        #expect(try await stage.activity("g").total.timeInQueue.totalMilliseconds == 15)
        // One that came back waits since then, beside one of its group that waits since its enqueue.
        try await stage.settle(jobs[0].lease, .release(after: .zero))
        try await stage.enqueue(in: "g", options: JobOptions(group: "a"))
        stage.clock.advance(by: .milliseconds(7))
        #expect(try await stage.claim(9, from: ["g"]).count == 2)
        #expect(try await stage.activity("g").total.timeInQueue.totalMilliseconds == 29)
    },
    Scenario("run time counts from the claim until the settlement, of attempts that ran") { stage in
        _ = try await stage.enqueue(3)
        let jobs = try await stage.claim(3)
        stage.clock.advance(by: .milliseconds(250))
        let settlements = [Settlement(jobs[0].lease, .ack), Settlement(jobs[1].lease, .release(after: .zero))]
        _ = try await stage.store.settle(settlements)
        stage.clock.advance(by: .seconds(1))
        try await stage.settle(jobs[2].lease, .fail(error: "e", retryAfter: .zero))
        let times = try await stage.activity().total.runTime
        #expect(times.count == 2 && times.totalMilliseconds == 1_500)
        #expect(times.quantile(0.5) == .milliseconds(256) && times.quantile(0.99) == .milliseconds(2_048))
    },
    Scenario("a clock that was set back makes no time negative, and loses nothing") { stage in
        try await stage.enqueue()
        stage.clock.advance(by: .seconds(600))
        try await stage.enqueue()
        stage.clock.setWall(ahead: .seconds(-3_600))
        #expect(try await stage.activity().oldestReady == .zero)
        let jobs = try await stage.claim(2)
        stage.clock.setWall(ahead: .seconds(-60))
        _ = try await stage.store.settle(jobs.map { Settlement($0.lease, .ack) })
        stage.clock.setWall(ahead: .seconds(3_660))
        let activity = try await stage.activity()
        #expect(activity.total.enqueued == 2 && activity.total.started == 2 && activity.total.done == 2)
        #expect(activity.total.timeInQueue == LatencyHistogram(counts: [2], totalMilliseconds: 0))
        #expect(activity.total.runTime == LatencyHistogram(counts: [2], totalMilliseconds: 0))
        let hours = try await stage.activity(last: .seconds(86_400)).sum
        #expect(hours == activity.total)
    },
    Scenario("minutes are kept for an hour, hours for three days, and the total for ever") { stage in
        // Every ten minutes, for four days.
        for _ in 0..<(4 * 144) {
            try await stage.enqueue(in: "busy")
            stage.clock.advance(by: .seconds(600))
        }
        let (minutes, hours) = (
            try await stage.activity("busy", last: .seconds(3_600)),
            try await stage.activity("busy", last: .seconds(9 * 86_400))
        )
        #expect(minutes.period == .minute && minutes.buckets.map(\.counts.enqueued) == Array(repeating: 1, count: 6))
        #expect(minutes.series(\.enqueued).count == 61 && minutes.series(\.enqueued).reduce(0, +) == 6)
        #expect(hours.period == .hour && hours.buckets.map(\.counts.enqueued) == Array(repeating: 6, count: 72))
        #expect(hours.buckets.first?.start == Date(stage.clock.now().wall - 3 * 86_400_000))
        #expect(hours.total.enqueued == 4 * 144 && minutes.total == hours.total)
        #expect(minutes.count(\.enqueued, last: .seconds(1_800)) == 3)
        #expect(try await stage.store.activity(of: nil, last: .seconds(86_400)).map(\.sum.enqueued) == [144])
        #expect(try await stage.activity("busy", last: .zero).buckets.isEmpty)
    },
    Scenario("what happened in one minute is in one bucket, also if it is read later") { stage in
        for _ in 1...3 {
            try await stage.enqueue()
            stage.clock.advance(by: .seconds(29))
        }
        var activity = try await stage.activity()
        #expect(activity.buckets.map(\.counts.enqueued) == [3])
        stage.clock.advance(by: .seconds(30))
        _ = try await stage.claim(3)
        activity = try await stage.activity()
        #expect(activity.series(\.enqueued).suffix(3) == [0, 3, 0])
        #expect(activity.series(\.started).suffix(3) == [0, 0, 3])
        #expect(activity.sum.timeInQueue.count == 3)
    },
    Scenario("the oldest ready job is the one that has been ready for longest, whatever its priority") { stage in
        func oldest() async throws -> Duration? {
            let activity: QueueActivity = try await stage.activity()
            return activity.oldestReady
        }
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(try await oldest() == nil)
        let low = try await stage.enqueue(options: JobOptions(priority: 5))
        stage.clock.advance(by: .seconds(10))
        try await stage.enqueue(options: JobOptions(priority: 1))
        try await stage.enqueue(options: JobOptions(priority: 9))
        #expect(try await oldest() == .seconds(10))
        try await stage.store.delete([low])
        #expect(try await oldest() == .zero)
        // An old job is not ready for long if it was delayed until now.
        try await stage.enqueue(options: JobOptions(priority: 0, delay: .seconds(3)))
        stage.clock.advance(by: .seconds(2))
        #expect(try await oldest() == .seconds(2))
        #expect(try await stage.claim(2).count == 2)
        #expect(try await oldest() == nil)
        stage.clock.advance(by: .seconds(5))
        // Its time has come, although no claim has seen that.
        #expect(try await oldest() == .seconds(4))
        try await stage.settle(try await stage.claimOne().lease, .release(after: .zero))
        #expect(try await oldest() == .zero)
    },
    Scenario("a job that became ready again does not hide one behind it that has waited longer") { stage in
        let first = try await stage.enqueue()
        stage.clock.advance(by: .seconds(1))
        try await stage.enqueue()
        stage.clock.advance(by: .seconds(8))
        try await stage.store.bury([first], reason: "r")
        try await stage.store.kick([first])
        #expect(try await stage.activity().oldestReady == .seconds(8))
    },
    Scenario("the latest deaths of all queues are listed newest first, among other failures") { stage in
        try await stage.expectRefusal(.invalidInput) { _ = try await stage.store.deaths(limit: -1) }
        #expect(try await stage.store.deaths(limit: 9).isEmpty)
        let diagnostics = AttemptDiagnostics(exitCode: nil, signal: "SIGSEGV", standardError: "the end")
        var ids: [JobID] = []
        for queue: QueueName in ["a", "b", "a"] {
            ids.append(try await stage.enqueue(in: queue))
            let lease = try await stage.claimOne(from: queue).lease
            let outcome = Settlement.Outcome.crash(error: "killed by SIGSEGV", retryAfter: .seconds(900))
            _ = try await stage.store.settle(Settlement(lease, outcome, diagnostics: diagnostics))
        }
        for _ in 1...20 {
            try await stage.enqueue(in: "c")
            try await stage.settle(
                try await stage.claimOne(from: "c").lease, .fail(error: "e", retryAfter: .seconds(900)))
        }
        let deaths = try await stage.store.deaths(limit: 2)
        #expect(deaths.map(\.job) == [ids[2], ids[1]] && deaths.map(\.queue) == ["a", "b"])
        #expect(deaths.allSatisfy { $0.failure.kind == .crashed && $0.failure.diagnostics == diagnostics })
        #expect(try await stage.store.deaths(limit: 9).map(\.job) == ids.reversed())
        #expect(try await stage.store.deaths(limit: 0).isEmpty)
        try await stage.enqueue(in: "d")
        _ = try await stage.claimOne(from: "d", lease: .seconds(1))
        stage.clock.advance(by: .seconds(2))
        _ = try await stage.reap()
        #expect(try await stage.store.deaths(limit: 1).map(\.failure.kind) == [.expired])
    },
]

extension Stage {
    func activity(_ queue: QueueName = "q", last: Duration = .seconds(3_600)) async throws -> QueueActivity {
        try #require(try await store.activity(of: [queue], last: last).first)
    }
}
