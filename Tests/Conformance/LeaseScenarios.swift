import StintCore
import Testing

/// Every call that the holder of a lease can make.
private let outcomes: [Settlement.Outcome] = [
    .ack, .release(after: .zero), .release(after: .seconds(1)), .fail(error: "late", retryAfter: .zero),
    .crash(error: "late", retryAfter: .zero), .bury(reason: "late"),
]

let leaseScenarios: [Scenario] = [
    Scenario("a stale lease can neither ack, release, fail, bury nor extend") { stage in
        let id = try await stage.enqueue()
        let stale = try await stage.claimOne(lease: .seconds(10))
        stage.clock.advance(by: .seconds(10))
        #expect(try await stage.reap().requeued == 1)
        for outcome in outcomes { try await stage.expectLeaseLost(stale.lease, outcome) }
        let holder = try await stage.claimOne()
        #expect(holder.id == id && holder.lease.token > stale.lease.token)
        for outcome in outcomes { try await stage.expectLeaseLost(stale.lease, outcome) }
        let lost = try await stage.store.extend([stale.lease, holder.lease], by: .seconds(99))
        #expect(lost == [stale.lease])
        #expect(try await stage.settle(holder.lease, .ack) == .done)
    },
    Scenario("an outcome can be said once") { stage in
        for outcome in outcomes {
            let id = try await stage.enqueue()
            let job = try await stage.claimOne()
            try await stage.settle(job.lease, outcome)
            for second in outcomes { try await stage.expectLeaseLost(job.lease, second) }
            if outcome != .ack { try await stage.store.delete([id]) }
        }
    },
    Scenario("a lease names its job: the token of a neighbour does not count") { stage in
        try await stage.enqueue()
        try await stage.enqueue()
        let (one, other) = (try await stage.claimOne(), try await stage.claimOne())
        for outcome in outcomes {
            try await stage.expectLeaseLost(Lease(job: one.id, token: other.lease.token), outcome)
            try await stage.expectLeaseLost(Lease(job: JobID(rawValue: 999), token: one.lease.token), outcome)
        }
        #expect(try await stage.stats().leased == 2)
    },
    Scenario("a lease holds until its deadline, by the monotonic clock") { stage in
        try await stage.enqueue()
        let job = try await stage.claimOne(lease: .seconds(10))
        stage.clock.advance(by: .milliseconds(9_999))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.setWall(ahead: .seconds(3_600))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.setWall(ahead: .seconds(-7_200))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.advance(by: .milliseconds(1))
        #expect(try await stage.reap() == ReapReport(requeued: 1))
        try await stage.expectLeaseLost(job.lease, .ack)
    },
    Scenario("a late ack counts if the job was not reclaimed") { stage in
        try await stage.enqueue()
        let job = try await stage.claimOne(lease: .seconds(1))
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.settle(job.lease, .ack) == .done)
        #expect(try await stage.reap() == ReapReport())
    },
    Scenario("an extended lease lasts longer, and is never cut short") { stage in
        try await stage.enqueue()
        let job = try await stage.claimOne(lease: .seconds(10))
        stage.clock.advance(by: .seconds(8))
        #expect(try await stage.store.extend([job.lease], by: .seconds(10)).isEmpty)
        #expect(try await stage.store.extend([job.lease], by: .seconds(1)).isEmpty)
        stage.clock.advance(by: .seconds(9))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap().requeued == 1)
    },
    Scenario(
        "a lease from before a reboot is void at once and no job is blamed, whatever the boot ids", needs: .knowsBoots
    ) { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        let job = try await stage.claimOne(lease: .seconds(3_600))
        stage.clock.reboot(hidesBoot: true)
        #expect(try await stage.reap() == ReapReport(requeued: 1))
        try await stage.expectLeaseLost(job.lease, .ack)
        let record = try #require(try await stage.store.job(id)?.record)
        #expect(record.attempts == 0 && record.crashes == 0 && !record.suspect)
        #expect(try await stage.claimOne().attempt == 1)
    },
    Scenario(
        "a lease holds until its deadline for those who have another boot id on the same kernel", needs: .knowsBoots
    ) { stage in
        try await stage.enqueue()
        let job = try await stage.claimOne(lease: .seconds(10))
        stage.clock.setBoot("that of a container")
        stage.clock.advance(by: .milliseconds(9_999))
        #expect(try await stage.reapAll() == ReapReport())
        #expect(try await stage.store.extend([job.lease], by: .seconds(10)).isEmpty)
        stage.clock.advance(by: .seconds(9))
        #expect(try await stage.reapAll() == ReapReport())
        #expect(try await stage.settle(job.lease, .ack) == .done)
    },
    Scenario("deleting or burying a leased job takes it from its holder, and from it alone") { stage in
        for _ in 0..<3 { try await stage.enqueue() }
        let jobs = try await stage.claim(3)
        try await stage.store.delete([jobs[0].id])
        try await stage.store.bury([jobs[1].id], reason: "by hand")
        let lost = try await stage.store.extend(jobs.map(\.lease), by: .seconds(60))
        #expect(lost == [jobs[0].lease, jobs[1].lease])
        try await stage.expectLeaseLost(jobs[0].lease, .ack)
        try await stage.expectLeaseLost(jobs[1].lease, .ack)
        try await stage.settle(jobs[2].lease, .ack)
        #expect(try await stage.stats() == stage.expected(buried: 1, done: 1))
    },
]
