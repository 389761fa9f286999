import StintCore
import Testing

let suspectScenarios: [Scenario] = [
    Scenario("a lease that ran out proves nothing: its job is never blamed, runs alone, and less and less often") {
        stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        var waits: [Int64] = []
        for _ in 1...4 {
            _ = try await stage.claimOne(lease: .seconds(1))
            stage.clock.advance(by: .seconds(1))
            #expect(try await stage.reap() == ReapReport(requeued: 1))
            let record = try #require(try await stage.store.job(id)?.record)
            #expect(record.suspect && record.attempts == 0 && record.crashes == 0)
            let wait = record.runAtMilliseconds.map { $0 - stage.clock.now().wall } ?? 0
            waits.append(wait)
            stage.clock.advance(by: .milliseconds(wait))
        }
        #expect(waits == [0, 1_000, 2_000, 4_000])
        let failures = try #require(try await stage.store.job(id)?.failures)
        #expect(failures.map(\.kind) == [.expired, .expired, .expired, .expired])
        #expect(failures[0].error.contains("test:1"))
    },
    Scenario("a job that fails in between begins anew with its waits for losses") { stage in
        let id = try await stage.enqueue()
        for outcome in [nil, nil, Settlement.Outcome.fail(error: "e", retryAfter: .zero), nil] {
            let job = try await stage.claimOne(lease: .seconds(1))
            stage.clock.advance(by: .seconds(1))
            if let outcome {
                try await stage.settle(job.lease, outcome)
            } else {
                #expect(try await stage.reap() == ReapReport(requeued: 1))
            }
            stage.clock.advance(by: .seconds(1))
        }
        #expect(try await stage.store.job(id)?.record.state == .ready)
    },
    Scenario("jobs that shared a lost lease become suspects at no cost, and each is claimed alone") { stage in
        for _ in 0..<3 { try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1)) }
        let shared = try await stage.claim(3, lease: .seconds(1))
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 3))
        try await stage.expectLost(shared.map(\.id), .expired, suspect: true)
        try await stage.enqueue()
        for expected in shared {
            let alone = try await stage.claim(9)
            #expect(alone.map(\.id) == [expected.id])
            #expect(alone.first?.runsAlone == true && alone.first?.attempt == 1)
        }
        #expect(try await stage.claim(9).map(\.runsAlone) == [false])
    },
    Scenario("a claim that leaves what is ready to others takes no suspect either") { stage in
        let suspects = try await stage.suspects(2).ids
        var performers: [Performer] = []
        for number in 1...4 { performers.append(try await stage.hire(process: Int32(number))) }
        func claim(idleSlots: Int) async throws -> [JobID] {
            try await stage.store.claim(
                ClaimRequest(
                    queues: ["q"], limit: 16, lease: .seconds(30), worker: "host:1", registration: performers[0].id,
                    idleSlots: idleSlots)
            ).map(\.id)
        }
        #expect(try await claim(idleSlots: 0) == [])
        #expect(try await claim(idleSlots: 1) == [suspects[0]])
    },
    Scenario("a suspect is not claimed beside jobs before it, in one queue or over several") { stage in
        let suspects = [try await stage.enqueue(in: "a"), try await stage.enqueue(in: "a")]
        #expect(try await stage.claim(2, from: ["a"], lease: .seconds(1)).count == 2)
        stage.clock.advance(by: .seconds(1))
        _ = try await stage.reap()
        let urgent = JobOptions(priority: 1)
        let first = try await stage.enqueue(in: "a", options: urgent)
        let second = try await stage.enqueue(in: "b", options: urgent)
        let later = try await stage.enqueue(in: "b")
        #expect(try await stage.claim(9, from: ["a", "b"]).map(\.id) == [first, second])
        #expect(try await stage.claim(9, from: ["a", "b"]).map(\.id) == [suspects[0]])
        #expect(try await stage.claim(9, from: ["a"]).map(\.id) == [suspects[1]])
        #expect(try await stage.claim(9, from: ["a", "b"]).map(\.id) == [later])
    },
    Scenario("no innocent job is buried for sharing claims with one that kills its worker", needs: .provesDeaths) {
        stage in
        let options = JobOptions(maxAttempts: 2, maxCrashes: 2)
        var ids: [JobID] = []
        for _ in 0..<8 { ids.append(try await stage.enqueue(options: options)) }
        let killer = ids[3]
        var buried = 0
        var rounds = 0
        while try await stage.stats().unfinished > 0 {
            rounds += 1
            try #require(rounds < 100)
            let performer = try await stage.hire(process: Int32(rounds))
            for job in try await stage.claim(4, by: performer) {
                stage.start(job, by: performer)
                // The worker dies here: what it finished before is settled, and the rest is not.
                if job.id == killer { break }
                try await stage.settle(job.lease, .ack)
                stage.end(job, by: performer)
            }
            try await stage.die(performer)
            buried += try await stage.reapAll().buried
        }
        #expect(buried == 1)
        #expect(try await stage.state(killer) == .buried)
        #expect(try await stage.stats() == stage.expected(buried: 1, done: 7))
    },
    Scenario("a worker that held several leases blames none of their jobs, whichever ends first", needs: .provesDeaths)
    { stage in
        let options = JobOptions(maxAttempts: 1, maxCrashes: 1)
        for _ in 0..<3 { try await stage.enqueue(options: options) }
        for seconds in 1...3 { _ = try await stage.claimOne(lease: .seconds(seconds)) }
        for _ in 0..<3 {
            stage.clock.advance(by: .seconds(1))
            #expect(try await stage.reap() == ReapReport(requeued: 1))
        }
        for record in try await stage.store.list(JobFilter()) {
            #expect(record.suspect && record.attempts == 0 && record.crashes == 0)
        }
        // A suspect ran alone by contract, and still no death is proved.
        let (alone, other) = (try await stage.claimOne(lease: .seconds(1)), try await stage.claimOne())
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 1))
        try await stage.expectLost([alone.id], .expired, .expired, suspect: true)
        #expect(try await stage.settle(other.lease, .ack) == .done)
    },
    Scenario("a suspect that ran alone to an end is none any more") { stage in
        let ids = [try await stage.enqueue(), try await stage.enqueue()]
        _ = try await stage.claim(2, lease: .seconds(1))
        stage.clock.advance(by: .seconds(1))
        _ = try await stage.reap()
        for _ in ids {
            try await stage.settle(try await stage.claimOne().lease, .fail(error: "e", retryAfter: .seconds(1)))
        }
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.claim(9).map(\.runsAlone) == [false, false])
    },
    Scenario("a claim that passes over suspects takes the jobs behind them, and says which was first") { stage in
        let suspects = try await stage.suspects(2).ids
        let others = try await stage.enqueue(5)
        let busy = try await stage.exchange(3, passesOverSuspects: true)
        #expect(busy.jobs.map(\.id) == Array(others[..<3]) && busy.passedOver == suspects[0])
        #expect(busy.jobs.allSatisfy { !$0.runsAlone })
        #expect(try await stage.stats() == stage.expected(ready: 4, leased: 3))
        let idle = try await stage.exchange(9)
        #expect(idle.jobs.map(\.id) == [suspects[0]] && idle.jobs[0].runsAlone && idle.passedOver == nil)
        let rest = try await stage.exchange(9, passesOverSuspects: true)
        #expect(rest.jobs.map(\.id) == Array(others[3...]) && rest.passedOver == suspects[1])
        let nothing = try await stage.exchange(9, passesOverSuspects: true)
        #expect(nothing.jobs.isEmpty && nothing.passedOver == suspects[1])
        try await stage.expectSuspects([suspects[1]])
        #expect(try await stage.exchange(9).jobs.map(\.id) == [suspects[1]])
        #expect(try await stage.exchange(9, passesOverSuspects: true).passedOver == nil)
    },
    Scenario("suspects are passed over in several queues, by priority and age over all of them") { stage in
        var suspects: [JobID] = []
        for queue in ["b", "a"] as [QueueName] {
            suspects += [try await stage.enqueue(in: queue), try await stage.enqueue(in: queue)]
            #expect(try await stage.claim(2, from: [queue], lease: .seconds(1)).count == 2)
            stage.clock.advance(by: .seconds(1))
            _ = try await stage.reap()
        }
        let late = try await stage.enqueue(in: "a")
        let later = try await stage.enqueue(in: "b")
        let urgent = try await stage.enqueue(in: "b", options: JobOptions(priority: 1))
        let first = try await stage.exchange(1, from: ["a", "b"], passesOverSuspects: true)
        #expect(first.jobs.map(\.id) == [urgent] && first.passedOver == nil, "its turn is before theirs")
        let next = try await stage.exchange(9, from: ["a", "b"], passesOverSuspects: true)
        #expect(next.jobs.map(\.id) == [late, later] && next.passedOver == suspects[0])
        for suspect in suspects { #expect(try await stage.exchange(9, from: ["a", "b"]).jobs.map(\.id) == [suspect]) }
    },
    Scenario("a claim that ends before a suspect says so, and one that takes it does not") { stage in
        let suspects = try await stage.suspects(2).ids
        let urgent = try await stage.enqueue(options: JobOptions(priority: 1))
        let first = try await stage.exchange(9)
        #expect(first.jobs.map(\.id) == [urgent] && first.passedOver == suspects[0])
        #expect(try await stage.exchange(1).passedOver == nil)
    },
    Scenario("whether there is something to claim is asked with suspects and without") { stage in
        func next(passing: Bool) async throws -> NextReady {
            try await stage.store.nextReady(in: ["q"], passingOverSuspects: passing)
        }
        let suspects = try await stage.suspects(2).ids
        #expect(try await next(passing: false) == .now)
        #expect(try await next(passing: true) == .unknown)
        try await stage.enqueue(options: JobOptions(delay: .seconds(5)))
        #expect(try await next(passing: true) == .after(.seconds(5)))
        try await stage.enqueue()
        #expect(try await next(passing: true) == .now)
        for suspect in suspects { #expect(try await stage.store.isClaimable(suspect)) }
        #expect(try await stage.exchange(9).jobs.map(\.id) == [suspects[0]])
        #expect(try await !stage.store.isClaimable(suspects[0]))
        try await stage.store.configure("q", QueueSettings(paused: true))
        #expect(try await !stage.store.isClaimable(suspects[1]))
    },
]
