import Foundation
import StintCore
import TestSupport
import Testing

/// Workers, what they have started, and which job is blamed when they end.
let workerScenarios: [Scenario] = registrationScenarios + reclaimScenarios + expiryScenarios + diagnosticsScenarios

// MARK: - Who works

private let registrationScenarios: [Scenario] = [
    Scenario("a worker is listed with what it said of itself and what it has started, until it signs off") { stage in
        let supervisor = stage.process(1)
        let performer = try await stage.hire(
            process: 2, under: supervisor, queues: ["q", "\u{301}почта"], concurrency: 3)
        for _ in 0..<2 { try await stage.enqueue() }
        let jobs = try await stage.claim(2, by: performer)
        stage.start(jobs[1], by: performer)
        let record = try #require(try await stage.store.workers().first)
        #expect(record.id == performer.id && record.registeredAt == Date(stage.clock.now().wall))
        #expect(record.registration.name == "host:2" && record.registration.process == stage.process(2))
        #expect(record.registration.supervisor == supervisor && record.registration.concurrency == 3)
        #expect(record.registration.queues == ["q", "\u{301}почта"])
        #expect(record.started == [StartedJob(lease: jobs[1].lease, runTime: .zero)])
        stage.end(jobs[1], by: performer)
        #expect(try await stage.store.workers().first?.started == [])
        for job in jobs { try await stage.settle(job.lease, .ack) }
        try await stage.store.deregister(performer.id)
        #expect(try await stage.store.workers().isEmpty)
    },
    Scenario("a worker is listed with who writes its claims and settlements, as it was when it registered") { stage in
        let supervisor = stage.process(1)
        let through = try await stage.hire(process: 2, under: supervisor, writesThroughSupervisor: true)
        let own = try await stage.hire(process: 3, under: supervisor)
        func writers() async throws -> [WorkerID: Bool] {
            let workers = try await stage.store.workers()
            return Dictionary(uniqueKeysWithValues: workers.map { ($0.id, $0.registration.writesThroughSupervisor) })
        }
        #expect(try await writers() == [through.id: true, own.id: false])
        // A renewal changes nothing of what a worker has said of itself.
        for performer in [through, own] { try await stage.renew(performer) }
        #expect(try await writers() == [through.id: true, own.id: false])
    },
    Scenario("ids of workers are never used again, and workers are listed by id") { stage in
        let first = try await stage.hire(process: 1)
        let second = try await stage.hire(process: 2)
        #expect(second.id.rawValue > first.id.rawValue)
        for performer in [first, second] { try await stage.store.deregister(performer.id) }
        let third = try await stage.hire(process: 1)
        let fourth = try await stage.hire(process: 2)
        #expect(third.id.rawValue > second.id.rawValue)
        #expect(try await stage.store.workers().map(\.id) == [third.id, fourth.id])
    },
    Scenario("a worker that says again that it lives keeps its id, its scoreboard and its beginning") { stage in
        let performer = try await stage.hire()
        let began = stage.clock.now().wall
        try await stage.enqueue()
        stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
        stage.clock.advance(by: .seconds(60))
        try await stage.renew(performer)
        let workers = try await stage.store.workers()
        #expect(workers.map(\.id) == [performer.id])
        #expect(workers[0].registeredAtMilliseconds == began && workers[0].started?.count == 1)
    },
    Scenario(
        "a worker that provably lives is never forgotten, and one that is dead at the next reap", needs: .provesDeaths
    ) { stage in
        let (living, dead) = (try await stage.hire(process: 1), try await stage.hire(process: 2))
        stage.clock.advance(by: .seconds(9 * 3_600))
        #expect(try await stage.reapAll() == ReapReport())
        #expect(try await stage.store.workers().map(\.id) == [living.id, dead.id])
        try await stage.die(dead)
        #expect(try await stage.reapAll() == ReapReport())
        #expect(try await stage.store.workers().map(\.id) == [living.id])
    },
    Scenario("an unrenewed registration of an unknown process is deleted after an hour unless it holds a lease") {
        stage in
        let idle = try await stage.hire(process: 1)
        let busy = try await stage.hire(process: 2)
        let renewed = try await stage.hire(process: 3)
        for performer in [idle, busy, renewed] { try await stage.loseBoard(of: performer) }
        try await stage.enqueue()
        let job = try #require(try await stage.claim(1, by: busy, lease: .seconds(9_999)).first)
        stage.clock.advance(by: .milliseconds(3_599_999))
        try await stage.renew(renewed)
        #expect(try await stage.reap() == ReapReport())
        #expect(try await stage.store.workers().map(\.id) == [idle.id, busy.id, renewed.id])
        stage.clock.advance(by: .milliseconds(1))
        #expect(try await stage.reap() == ReapReport())
        #expect(try await stage.store.workers().map(\.id) == [busy.id, renewed.id])
        try await stage.settle(job.lease, .ack)
        _ = try await stage.reap()
        #expect(try await stage.store.workers().map(\.id) == [renewed.id])
        // A worker that was only silent for long comes back under its id.
        try await stage.renew(idle)
        #expect(try await stage.store.workers().map(\.id) == [idle.id, renewed.id])
    },
    Scenario("a jump of the wall clock forgets no worker") { stage in
        let performer = try await stage.hire()
        for hours in [48, -96] {
            stage.clock.setWall(ahead: .seconds(hours * 3_600))
            #expect(try await stage.reap() == ReapReport())
            #expect(try await stage.store.workers().map(\.id) == [performer.id])
        }
    },
]

// MARK: - Workers whose processes have ended

private let reclaimScenarios: [Scenario] = [
    Scenario("the one job that a dead worker had started is blamed, the others come back free of charge") { stage in
        let performer = try await stage.hire(process: 7)
        let ids = try await stage.enqueue(3)
        let jobs = try await stage.claim(3, by: performer)
        stage.start(jobs[1], by: performer)
        stage.clock.advance(by: .milliseconds(1_250))
        let diagnostics = AttemptDiagnostics(
            signal: "SIGSEGV", peakMemoryBytes: 9_000_000, standardError: "Zoë: boom\n")
        #expect(try await stage.reclaim(from: performer, .died("was killed by SIGSEGV", diagnostics)).requeued == 3)
        #expect(try await stage.store.workers().isEmpty)

        let culprit = try #require(try await stage.store.job(ids[1]))
        #expect(culprit.record.attempts == 1 && culprit.record.crashes == 1 && !culprit.record.suspect)
        var expected = diagnostics
        expected.runTimeMilliseconds = 1_250
        #expect(
            culprit.failures == [
                JobFailure(
                    attempt: 1, at: stage.clock.now().wall, kind: .crashed,
                    error: "worker host:7 was killed by SIGSEGV", worker: "host:7", diagnostics: expected)
            ])
        try await stage.expectFree([ids[0], ids[2]])
        for job in jobs { try await stage.expectLeaseLost(job.lease, .ack) }
    },
    Scenario("of several started jobs all become suspects at no cost, the others lose nothing") { stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(4, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        let jobs = try await stage.claim(4, by: performer)
        for job in jobs[1...2] { stage.start(job, by: performer) }
        #expect(try await stage.reclaim(from: performer) == ReapReport(requeued: 4))
        try await stage.expectSuspects([ids[1], ids[2]])
        try await stage.expectFree([ids[0], ids[3]])
    },
    Scenario("a job whose handler had ended is not among the started ones") { stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(3)
        let jobs = try await stage.claim(3, by: performer)
        stage.start(jobs[0], by: performer)
        stage.start(jobs[1], by: performer)
        stage.end(jobs[0], by: performer)
        _ = try await stage.reclaim(from: performer)
        try await stage.expectBlamed([ids[1]])
        try await stage.expectFree([ids[0], ids[2]])
    },
    Scenario("the jobs of several leases count together, whatever their queues") { stage in
        let performer = try await stage.hire(queues: ["a", "b"])
        let options = JobOptions(maxAttempts: 1, maxCrashes: 1)
        let (one, other) = (
            try await stage.enqueue(in: "a", options: options), try await stage.enqueue(in: "b", options: options)
        )
        for job in try await stage.claim(2, from: ["a", "b"], by: performer) { stage.start(job, by: performer) }
        _ = try await stage.reclaim(from: performer)
        try await stage.expectSuspects([one, other])
    },
    Scenario("a suspect that was started alone is to blame, also when other processes died with its own") { stage in
        let (suspects, _) = try await stage.suspects(2)
        let others = try await stage.enqueue(2, options: JobOptions(priority: UInt32.max, maxAttempts: 1))
        let (first, second) = (try await stage.hire(process: 1), try await stage.hire(process: 2))
        for job in try await stage.claim(9, by: first) { stage.start(job, by: first) }
        let alone = try #require(try await stage.claim(9, by: second).first)
        #expect(alone.id == suspects[1] && alone.runsAlone)
        try await stage.settle(alone.lease, .ack)
        for job in try await stage.claim(9, by: second) { stage.start(job, by: second) }
        _ = try await stage.reclaim(from: first, second)
        try await stage.expectBlamed([suspects[0]])
        try await stage.expectSuspects(others)
    },
    Scenario("a suspect that was claimed and not started is not to blame, and stays a suspect") { stage in
        let (suspects, _) = try await stage.suspects(2)
        let performer = try await stage.hire()
        let running = try await stage.enqueue(options: JobOptions(priority: 0))
        stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
        #expect(try await stage.claim(1, by: performer).map(\.id) == [suspects[0]])
        _ = try await stage.reclaim(from: performer)
        try await stage.expectBlamed([running])
        try await stage.expectSuspects(suspects)
    },
    Scenario("a suspect beside which another job ran against the rule is not to blame alone") { stage in
        let (suspects, _) = try await stage.suspects(2)
        let (one, other) = (try await stage.hire("one", process: 5), try await stage.hire("two", process: 5))
        for performer in [one, other] {
            stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
        }
        _ = try await stage.reclaim(from: one, other)
        try await stage.expectSuspects(suspects)
    },
    Scenario("two workers of one process count together, also where only one of them is named", needs: .provesDeaths) {
        stage in
        let options = JobOptions(maxAttempts: 1, maxCrashes: 1)
        for isNamedAlone in [false, true] {
            let ids = try await stage.enqueue(3, options: options)
            let (one, other) = (try await stage.hire("one", process: 5), try await stage.hire("two", process: 5))
            let mine = try await stage.claim(1, by: one)
            let yours = try await stage.claim(2, by: other)
            stage.start(mine[0], by: one)
            stage.start(yours[0], by: other)
            try await stage.die(one, other)
            _ = try await isNamedAlone ? stage.reclaim(from: one) : stage.reclaim(from: one, other)
            _ = try await stage.reclaim(from: other)
            try await stage.expectSuspects([ids[0], ids[1]])
            try await stage.expectFree([ids[2]])
            #expect(try await stage.store.workers().isEmpty)
            try await stage.store.delete(ids)
        }
    },
    Scenario("of processes that died together, the only job that any had started is to blame") { stage in
        let ids = try await stage.enqueue(3)
        let (one, other) = (try await stage.hire(process: 1), try await stage.hire(process: 2))
        _ = try await stage.claim(2, by: one)
        stage.start(try #require(try await stage.claim(1, by: other).first), by: other)
        _ = try await stage.reclaim(from: one, other)
        try await stage.expectBlamed([ids[2]])
        try await stage.expectFree([ids[0], ids[1]])
    },
    Scenario("if processes with a started job each died together, no job is blamed") { stage in
        let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        let (one, other) = (try await stage.hire(process: 1), try await stage.hire(process: 2))
        for performer in [one, other] {
            stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
        }
        _ = try await stage.reclaim(from: one, other)
        try await stage.expectSuspects(ids)
    },
    Scenario(
        "if the supervisor died too, no job is blamed, and a job lost repeatedly runs after growing delays",
        needs: .provesDeaths
    ) {
        stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        for losses in 1...3 {
            let sign = try #require(try await stage.store.registerSupervisor())
            let performer = try await stage.hire(under: stage.process(9), sign: sign.name)
            stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
            try await stage.die(performer)
            // Only the supervisor knows how it ended.
            #expect(try await stage.reapAll() == ReapReport())
            try await stage.die(sign)
            #expect(try await stage.reapAll() == ReapReport(requeued: 1))
            let job = try #require(try await stage.store.job(id))
            #expect(job.record.attempts == 0 && job.record.crashes == 0 && job.record.suspect == (losses > 1))
            #expect(job.failures.map(\.kind) == Array(repeating: .lost, count: losses))
            stage.clock.advance(by: .seconds(1 << (losses - 1)))
        }
    },
    Scenario(
        "a worker whose process died after an order to stop leaves nobody to blame, whoever finds it",
        needs: .provesDeaths
    ) { stage in
        for isSeen in [false, true] {
            let performer = try await stage.hire()
            let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
            stage.start(try await stage.claim(2, by: performer)[0], by: performer)
            performer.place.scoreboard.noteOrderToStop()
            #expect(try await stage.store.workers().map(\.hasOrderToStop) == [true])
            try await stage.die(performer)
            // A supervisor that saw its end need not know of an order from elsewhere.
            let report =
                try await isSeen ? stage.reclaim(from: performer, .died("was killed", nil)) : stage.reapAll()
            #expect(report == ReapReport(requeued: 2))
            try await stage.expectFree(ids)
            try await stage.store.delete(ids)
        }
    },
    Scenario(
        "a death that nobody saw is blamed on the job that was started, and not where the boot id is hidden",
        needs: .knowsBoots
    ) {
        stage in
        for boot in ["boot-1", "unknown"] {
            stage.clock.setBoot(boot)
            let performer = try await stage.hire()
            let ids = try await stage.enqueue(2)
            stage.start(try await stage.claim(2, by: performer)[0], by: performer)
            try await stage.die(performer)
            #expect(try await stage.reapAll() == ReapReport(requeued: 2))
            if boot == "unknown" {
                try await stage.expectLost([ids[0]], .lost, suspect: false)
            } else {
                try await stage.expectBlamed([ids[0]])
            }
            try await stage.expectFree([ids[1]])
            try await stage.store.delete(ids)
        }
    },
    Scenario("a death that nobody saw is blamed on the job that was started", needs: .provesDeaths) { stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(2)
        stage.start(try await stage.claim(2, by: performer)[0], by: performer)
        try await stage.die(performer)
        #expect(try await stage.reapAll() == ReapReport(requeued: 2))
        try await stage.expectBlamed([ids[0]])
        try await stage.expectFree([ids[1]])
    },
    Scenario("a registration that nobody knows holds no lease, and goes with its process or after an hour") { stage in
        // Its worker got no answer and registered again.
        let (lost, known) = (try await stage.hire(process: 1), try await stage.hire(process: 1))
        try await stage.loseBoard(of: lost)
        let id = try await stage.enqueue()
        stage.start(try #require(try await stage.claim(1, by: known).first), by: known)
        #expect(try await stage.store.workers().map(\.id) == [lost.id, known.id])
        try await stage.loseBoard(of: known)
        #expect(try await stage.reclaim(from: known) == ReapReport(requeued: 1))
        #expect(try await stage.store.workers().isEmpty)
        try await stage.expectSuspects([id])

        let alone = try await stage.hire(process: 2)
        try await stage.loseBoard(of: alone)
        stage.clock.advance(by: WorkerRegistration.lifetime)
        _ = try await stage.reap()
        #expect(try await stage.store.workers().isEmpty)
        // To deregister what is gone is no error: after an unknown outcome a worker does it again.
        try await stage.store.deregister(alone.id)
    },
    Scenario(
        "a living worker with the process id of a dead one, in another container, keeps its jobs", needs: .provesDeaths
    ) { stage in
        let ids = try await stage.enqueue(2)
        let (dead, living) = (try await stage.hire("a", process: 1), try await stage.hire("b", process: 1))
        for performer in [dead, living] {
            stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
        }
        try await stage.die(dead)
        #expect(try await stage.reapAll() == ReapReport(requeued: 1))
        try await stage.expectBlamed([ids[0]])
        #expect(try await stage.state(ids[1]) == .leased)
        #expect(try await stage.store.workers().map(\.id) == [living.id])
    },
    Scenario("the attempts that a worker grants count for its death too") { stage in
        let id = try await stage.enqueue()
        let performer = try await stage.hire()
        let job = try #require(try await stage.claim(1, by: performer).first)
        performer.place.scoreboard.note(ended: nil, started: job.lease, maxAttempts: 1)
        #expect(try await stage.reclaim(from: performer) == ReapReport(buried: 1))
        let details = try #require(try await stage.store.job(id))
        #expect(details.failures.map(\.kind) == [.crashed])
        #expect(details.record.reason?.hasPrefix("no attempts left (1 of the worker's 1), last: worker") == true)
    },
    Scenario("if a worker was stopped by order, no job is blamed") { stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        let jobs = try await stage.claim(2, by: performer)
        stage.start(jobs[0], by: performer)
        #expect(try await stage.reclaim(from: performer, .stopped) == ReapReport(requeued: 2))
        try await stage.expectFree(ids)
        #expect(try await stage.store.workers().isEmpty)
    },
    Scenario("if a worker belongs to another boot, no job is blamed", needs: .knowsBoots) { stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        stage.start(try await stage.claim(2, by: performer)[0], by: performer)
        stage.clock.reboot()
        #expect(try await stage.reclaim(from: performer) == ReapReport(requeued: 2))
        try await stage.expectLost([ids[0]], .lost, suspect: false)
        try await stage.expectFree([ids[1]])
    },
    Scenario("a job that kills its worker is buried at maxCrashes, with reason and diagnostics of each") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 9, maxCrashes: 3))
        for death in 1...3 {
            let performer = try await stage.hire(process: Int32(death))
            stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
            let report = try await stage.reclaim(from: performer, .died("ended with exit \(death)", nil))
            #expect(report == (death < 3 ? ReapReport(requeued: 1) : ReapReport(buried: 1)))
        }
        let job = try #require(try await stage.store.job(id))
        #expect(job.record.state == .buried && job.record.crashes == 3 && job.record.attempts == 3)
        #expect(
            job.record.reason == "crashed 3 times (at most 3 allowed), last: worker host:3 ended with exit 3")
        #expect(job.failures.map(\.worker) == ["host:1", "host:2", "host:3"])
        #expect(job.failures.allSatisfy { $0.diagnostics == AttemptDiagnostics(runTimeMilliseconds: 0) })
    },
    Scenario("what a worker settled before its death stays settled") { stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(3)
        let jobs = try await stage.claim(3, by: performer)
        for job in jobs { stage.start(job, by: performer) }
        try await stage.settle(jobs[0].lease, .ack)
        try await stage.settle(jobs[1].lease, .bury(reason: "bad address"))
        #expect(try await stage.reclaim(from: performer) == ReapReport(requeued: 1))
        #expect(try await stage.store.job(ids[0]) == nil)
        #expect(try await stage.store.job(ids[1])?.record.reason == "bad address")
        #expect(try await stage.stats() == stage.expected(ready: 1, buried: 1, done: 1))
    },
    Scenario("reclaiming twice changes nothing, nor does a worker that nobody knows") { stage in
        let performer = try await stage.hire()
        let id = try await stage.enqueue()
        stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
        #expect(try await stage.reclaim(from: performer) == ReapReport(requeued: 1))
        let next = try await stage.hire(process: 2)
        let job = try #require(try await stage.claim(1, by: next).first)
        #expect(try await stage.reclaim(from: performer) == ReapReport())
        let nobody = WorkerID(rawValue: 999)
        let report = try await stage.store.reclaim(from: [nobody], .died("died", nil))
        #expect(report == ReapReport())
        #expect(try await stage.store.job(id)?.record.crashes == 1)
        #expect(try await stage.settle(job.lease, .ack) == .done)
    },
    Scenario("the only job of a dead worker is not blamed if the worker had not started it") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        let performer = try await stage.hire()
        _ = try await stage.claim(1, by: performer)
        #expect(try await stage.reclaim(from: performer) == ReapReport(requeued: 1))
        try await stage.expectFree([id])
    },
    Scenario("if it is unknown what a dead worker had started, no job is blamed, not even its only one") { stage in
        for count in 1...2 {
            let ids = try await stage.enqueue(count, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
            let performer = try await stage.hire(process: Int32(count))
            _ = try await stage.claim(count, by: performer)
            try await stage.loseBoard(of: performer)
            #expect(try await stage.reclaim(from: performer) == ReapReport(requeued: count))
            try await stage.expectSuspects(ids)
            try await stage.store.delete(ids)
        }
    },
    Scenario("a suspect of which it is unknown whether it was started is not blamed, and returns after growing delays")
    {
        stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        func dieWithoutBoard(_ process: Int32) async throws {
            let performer = try await stage.hire(process: process)
            #expect(try await stage.claim(1, by: performer).map(\.id) == [id])
            try await stage.loseBoard(of: performer)
            #expect(try await stage.reclaim(from: performer) == ReapReport(requeued: 1))
        }
        try await dieWithoutBoard(1)
        try await stage.expectSuspects([id])
        try await dieWithoutBoard(2)
        try await stage.expectLost([id], .lost, suspect: true)
        try await dieWithoutBoard(3)
        try await stage.expectLost([id], .lost, .lost, suspect: true)
        #expect(try await stage.claim(1).isEmpty)
        stage.clock.advance(by: .seconds(1))
        // Where starts are recorded it is found out.
        let performer = try await stage.hire(process: 4)
        stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
        #expect(try await stage.reclaim(from: performer) == ReapReport(buried: 1))
    },
    Scenario("a started job is not to blame where the scoreboard of another that died with its worker is lost") {
        stage in
        for process: Int32 in [5, 6] {
            let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
            let (one, other) = (try await stage.hire("one", process: 5), try await stage.hire("two", process: process))
            for performer in [one, other] {
                stage.start(try #require(try await stage.claim(1, by: performer).first), by: performer)
            }
            try await stage.loseBoard(of: process == 5 ? one : other)
            _ = try await stage.reclaim(from: one, other)
            try await stage.expectSuspects(ids)
            try await stage.store.delete(ids)
        }
    },
    Scenario("no innocent job is blamed, however workers hold batches, share processes and die", needs: .provesDeaths) {
        stage in
        let seed = chosenSeed()
        for round: UInt64 in 0..<4 {
            var group = WorkerGroup(stage, seed: seed &+ round)
            try await group.work()
        }
    },
]

// MARK: - Leases that ran out

private let expiryScenarios: [Scenario] = [
    Scenario(
        "a lease that ran out is left to a worker that lives until the second look, and costs its jobs nothing",
        needs: .provesDeaths
    ) {
        stage in
        let performer = try await stage.hire(process: 7)
        let ids = try await stage.enqueue(3, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        let jobs = try await stage.claim(3, by: performer, lease: .seconds(2))
        stage.start(jobs[2], by: performer)
        stage.clock.advance(by: .seconds(2))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.advance(by: .milliseconds(249))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.advance(by: .milliseconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 3))
        let job = try #require(try await stage.store.job(ids[2]))
        #expect(job.failures[0].diagnostics == AttemptDiagnostics(runTimeMilliseconds: 2_250))
        #expect(job.failures[0].error.contains("host:7"))
        try await stage.expectLost([ids[2]], .expired, suspect: true)
        try await stage.expectFree([ids[0], ids[1]])
        for job in jobs { try await stage.expectLeaseLost(job.lease, .ack) }
    },
    Scenario("a worker that lives and extends after the first look keeps its jobs", needs: .provesDeaths) { stage in
        let performer = try await stage.hire()
        let id = try await stage.enqueue()
        let job = try #require(try await stage.claim(1, by: performer, lease: .seconds(2)).first)
        // The whole machine was frozen.
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.reap() == ReapReport())
        #expect(try await stage.store.extend([job.lease], by: .seconds(2)).isEmpty)
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport())
        // The first look of an earlier time does not count.
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport())
        #expect(try await stage.settle(job.lease, .ack) == .done)
        #expect(try await stage.store.job(id) == nil)
    },
    Scenario(
        "a lease whose deadline is of another clock stays with a worker that provably lives, and ends with it",
        needs: .knowsBoots
    ) {
        stage in
        let performer = try await stage.hire()
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        stage.start(try #require(try await stage.claim(1, by: performer, lease: .seconds(3_600)).first), by: performer)
        // The deadline looks like that of an earlier boot to one whose clock is behind the worker's.
        stage.clock.reboot(hidesBoot: true)
        #expect(try await stage.reap() == ReapReport())
        #expect(try await stage.state(id) == .leased)
        try await stage.die(performer)
        #expect(try await stage.reap() == ReapReport(requeued: 1))
        try await stage.expectLost([id], .lost, suspect: false)
    },
    Scenario(
        "of leases that ran out with several started jobs all are suspects, whichever ends first", needs: .provesDeaths
    ) { stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(4, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        for seconds in 1...2 {
            stage.start(try await stage.claim(2, by: performer, lease: .seconds(seconds))[0], by: performer)
        }
        for _ in 1...2 {
            stage.clock.advance(by: .seconds(1))
            #expect(try await stage.reap() == ReapReport())
            stage.clock.advance(by: .milliseconds(250))
            #expect(try await stage.reap() == ReapReport(requeued: 2))
        }
        try await stage.expectLost([ids[0], ids[2]], .expired, suspect: true)
        try await stage.expectFree([ids[1], ids[3]])
    },
    Scenario(
        "a dead worker whose leases ran out is judged as one that is found dead, by what it had started",
        needs: .provesDeaths
    ) {
        stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(2)
        stage.start(try await stage.claim(2, by: performer, lease: .seconds(1))[1], by: performer)
        try await stage.die(performer)
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 2))
        try await stage.expectBlamed([ids[1]])
        try await stage.expectFree([ids[0]])
    },
    Scenario(
        "an order to one worker of a dead process was an order to all, also if their leases ran out first",
        needs: .provesDeaths
    ) {
        stage in
        let (one, other) = (try await stage.hire("one", process: 5), try await stage.hire("two", process: 5))
        let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        stage.start(try await stage.claim(2, by: one, lease: .seconds(1))[0], by: one)
        other.place.scoreboard.noteOrderToStop()
        try await stage.die(one, other)
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 2))
        try await stage.expectFree(ids)
    },
    Scenario("without scoreboards, the jobs of all workers of a process whose leases ran out are suspects") { stage in
        let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        for name in ["one", "two"] {
            let performer = try await stage.hire(name, process: 5)
            _ = try await stage.claim(1, by: performer, lease: .seconds(1))
            try await stage.loseBoard(of: performer)
        }
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 2))
        try await stage.expectLost(ids, .expired, suspect: true)
    },
    Scenario("without its scoreboard all that a lease held counts as started, and a suspect is not blamed for silence")
    {
        stage in
        let performer = try await stage.hire()
        let ids = try await stage.enqueue(2, options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        _ = try await stage.claim(2, by: performer, lease: .seconds(1))
        try await stage.loseBoard(of: performer)
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 2))
        try await stage.expectLost(ids, .expired, suspect: true)
        let alone = try await stage.claim(9, by: performer, lease: .seconds(1))
        #expect(alone.map(\.id) == [ids[0]])
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 1))
        try await stage.expectLost([ids[0]], .expired, .expired, suspect: true)
    },
]

// MARK: - What is kept

private let diagnosticsScenarios: [Scenario] = [
    Scenario("a job whose process died beside others is ready at no cost, runs alone, and only its holder says so") {
        stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        try await stage.enqueue()
        let job = try await stage.claimOne()
        #expect(try await stage.settle(job.lease, .suspect) == .ready)
        try await stage.expectSuspects([id])
        try await stage.expectLeaseLost(job.lease, .suspect)
        let alone = try await stage.claim(9)
        #expect(alone.map(\.id) == [id] && alone[0].runsAlone && alone[0].attempt == 1)
        try await stage.settle(alone[0].lease, .release(after: .zero))
        try await stage.expectSuspects([id])
        try await stage.settle(try await stage.claimOne().lease, .ack)
        try await stage.expectLeaseLost(alone[0].lease, .suspect)
    },
    Scenario("what is known of a process is kept with the attempts that failed, crashed or were buried") { stage in
        let full = AttemptDiagnostics(
            exitCode: 255, signal: "SIGABRT", peakMemoryBytes: 1 << 40, runTimeMilliseconds: 86_400_000,
            standardError: "PHP Fatal error: Zoë\n\u{0}…")
        var kept = full
        kept.standardError = full.standardError?.replacing("\0", with: "\u{FFFD}")
        let outcomes: [(Settlement.Outcome, AttemptDiagnostics?, JobFailure.Kind)] = [
            (.fail(error: "exit 255", retryAfter: .zero), full, .failed),
            (.crash(error: "SIGABRT", retryAfter: .zero), AttemptDiagnostics(exitCode: 0), .crashed),
            (.bury(reason: "bad"), nil, .buried),
        ]
        let id = try await stage.enqueue(options: JobOptions(maxCrashes: 2))
        for (outcome, diagnostics, _) in outcomes {
            let lease = try await stage.claimOne().lease
            _ = try await stage.store.settle(Settlement(lease, outcome, diagnostics: diagnostics))
        }
        let failures = try #require(try await stage.store.job(id)?.failures)
        #expect(failures.map(\.kind) == outcomes.map(\.2))
        #expect(failures.map(\.diagnostics) == [kept, AttemptDiagnostics(exitCode: 0), nil])
        #expect(failures.map(\.attempt) == [1, 2, 3])
        let latest = try await stage.store.failures(limit: 9)
        #expect(latest.map(\.failure) == failures.reversed())
        #expect(latest.allSatisfy { $0.job == id && $0.queue == "q" })
    },
    Scenario("the latest failures of all queues are listed newest first, as many as asked for") { stage in
        #expect(try await stage.store.failures(limit: 5).isEmpty)
        var ids: [JobID] = []
        for (number, queue) in (["a", "b", "a", "b"] as [QueueName]).enumerated() {
            ids.append(try await stage.enqueue(in: queue, options: JobOptions(maxAttempts: 1)))
            try await stage.settle(
                try await stage.claimOne(from: queue).lease, .fail(error: "\(number)", retryAfter: .zero))
            stage.clock.advance(by: .seconds(1))
        }
        let latest = try await stage.store.failures(limit: 3)
        #expect(latest.map(\.job) == ids[1...].reversed() && latest.map(\.failure.error) == ["3", "2", "1"])
        #expect(latest.map(\.queue) == ["b", "a", "b"])
        try await stage.store.delete([ids[3]])
        #expect(try await stage.store.failures(limit: 9).map(\.job) == [ids[2], ids[1], ids[0]])
    },
    Scenario("what a worker holds can be looked up, and whether its queue is paused") { stage in
        let (one, other) = (try await stage.hire(), try await stage.hire(process: 2))
        let ids = try await stage.enqueue(5)
        let far = try await stage.enqueue(in: "far")
        let jobs = try await stage.claim(9, from: ["q", "far"], by: one)
        #expect(Set(jobs.map(\.id)) == Set(ids + [far]))
        try await stage.settle(jobs[0].lease, .ack)
        try await stage.settle(jobs[1].lease, .release(after: .zero))
        try await stage.store.delete([jobs[2].id])
        try await stage.store.bury([jobs[3].id], reason: "no")
        try await stage.store.configure("far", QueueSettings(paused: true))
        #expect(try await stage.claim(1, by: other).map(\.id) == [jobs[1].id])
        let held = try await stage.store.leases(heldBy: one.id)
        #expect(
            Set(held) == [
                HeldJob(lease: jobs[4].lease, queue: "q", isPaused: false),
                HeldJob(lease: jobs[5].lease, queue: "far", isPaused: true),
            ])
        #expect(try await stage.store.leases(heldBy: other.id).map(\.lease.job) == [jobs[1].id])
    },
    Scenario("the mark changes with each pause, and when a holder loses its job, and not otherwise") { stage in
        let performer = try await stage.hire()
        var last = performer.place.revocations.read()
        func hasChanged() -> Bool {
            let now = performer.place.revocations.read()
            defer { last = now }
            return now != last
        }
        let ids = try await stage.enqueue(4)
        try await stage.store.bury([ids[3]], reason: "nobody holds it")
        try await stage.store.kick([ids[3]])
        try await stage.store.delete([ids[3]])
        let jobs = try await stage.claim(3, by: performer)
        try await stage.settle(jobs[0].lease, .ack)
        #expect(!hasChanged())
        try await stage.store.bury([jobs[1].id], reason: "taken")
        #expect(hasChanged())
        try await stage.store.delete([jobs[2].id])
        #expect(hasChanged())
        try await stage.store.configure("q", QueueSettings(paused: true))
        #expect(hasChanged())
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(!hasChanged())
        let another = try await stage.hire(process: 2)
        #expect(another.place.revocations.read() == last)
    },
]
