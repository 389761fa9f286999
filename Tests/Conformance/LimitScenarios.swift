import StintCore
import Testing

/// Groups, their turns, and limits.
let limitScenarios: [Scenario] = [
    Scenario("however many groups are at their limit, the jobs of the others are reached") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(1)))
        let groups = 1_100
        // The last group is served last, so that all others are before it in the line.
        for _ in 0..<2 {
            _ = try await stage.store.enqueue(
                (0..<groups).map { try NewJob([], in: "q", options: JobOptions(group: "\($0)")) })
        }
        var first: [LeasedJob] = []
        while first.count < groups {
            let jobs = try await stage.claim(1_000)
            try #require(!jobs.isEmpty)
            first += jobs
        }
        let last = try #require(first.max { $0.id < $1.id })
        try await stage.settle(last.lease, .ack)
        #expect(try await stage.claim(5).count == 1)
        #expect(try await stage.claim(5).isEmpty)
    },
    Scenario("groups take turns: one with many jobs does not hold up the others") { stage in
        var big: [JobID] = []
        for _ in 0..<6 { big.append(try await stage.enqueue(group: "big")) }
        let small = try await stage.enqueue(group: "small")
        let ungrouped = try await stage.enqueue()
        let claimed = try await stage.claim(4).map(\.id)
        #expect(Set(claimed) == [big[0], big[1], small, ungrouped])
        #expect(claimed.last == big[1])
        #expect(try await stage.claim(9).map(\.id) == Array(big[2...]))
    },
    Scenario("jobs without a group that were there before the first group are a group too") { stage in
        let before = [try await stage.enqueue(), try await stage.enqueue(), try await stage.enqueue()]
        let delayed = try await stage.enqueue(options: JobOptions(delay: .seconds(5)))
        let grouped = [try await stage.enqueue(group: "a"), try await stage.enqueue(group: "a")]
        stage.clock.advance(by: .seconds(6))
        #expect(Set(try await stage.claim(4).map(\.id)) == Set(before.prefix(2) + grouped))
        #expect(try await stage.claim(9).map(\.id) == [before[2], delayed])
        #expect(try await stage.stats() == stage.expected(leased: 6))
    },
    Scenario("a group of weight 3 gets three jobs where another gets one") { stage in
        try await stage.store.setWeight(3, ofGroup: "heavy", in: "q")
        var (heavy, light): (Set<JobID>, Set<JobID>) = ([], [])
        for _ in 0..<12 {
            heavy.insert(try await stage.enqueue(group: "heavy"))
            light.insert(try await stage.enqueue(group: "light"))
        }
        for _ in 0..<3 {
            let claimed = Set(try await stage.claim(4).map(\.id))
            #expect(claimed.intersection(heavy).count == 3)
            #expect(claimed.intersection(light).count == 1)
        }
    },
    Scenario("priority counts within a group, and without fairness it alone counts") { stage in
        let late = try await stage.enqueue(options: JobOptions(priority: 9, group: "a"))
        let early = try await stage.enqueue(options: JobOptions(priority: 1, group: "a"))
        let other = try await stage.enqueue(options: JobOptions(priority: 5, group: "b"))
        let others = [
            try await stage.enqueue(options: JobOptions(priority: 6, group: "b")),
            try await stage.enqueue(options: JobOptions(priority: 7, group: "b")),
        ]
        #expect(try await stage.claim(2).map(\.id) == [early, other])
        try await stage.store.configure("q", QueueSettings(isFair: false))
        #expect(try await stage.claim(2).map(\.id) == others)
        try await stage.store.configure("q", QueueSettings(isFair: true))
        #expect(try await stage.claim(9).map(\.id) == [late])
    },
    Scenario("a group that did nothing has no credit from that time") { stage in
        for _ in 0..<8 { try await stage.enqueue(group: "a") }
        for _ in 0..<4 { _ = try await stage.claimOne() }
        for _ in 0..<4 { try await stage.enqueue(group: "b") }
        let groups = try await stage.groups(of: try await stage.claim(4))
        #expect(groups.count { $0 == "a" } == 2)
        #expect(groups.count { $0 == "b" } == 2)
    },
    Scenario("a group that gets its first job is served next, however many groups wait, and then takes its turn") {
        stage in
        for name in ["a", "b", "c", "d", "e", "f"] {
            for _ in 0..<3 { try await stage.enqueue(group: name) }
        }
        _ = try await stage.claim(8)
        for _ in 0..<3 { try await stage.enqueue(group: "new") }
        #expect(try await stage.groups(of: try await stage.claim(6)) == ["new", "c", "d", "e", "f", "a"])
    },
    Scenario("at most so many jobs of a queue run at a time, and the end of one lets the next one start") { stage in
        for _ in 0..<5 { try await stage.enqueue() }
        try await stage.store.configure("q", QueueSettings(concurrency: .to(2)))
        let running = try await stage.claim(9)
        #expect(running.count == 2)
        #expect(try await stage.claim(9).isEmpty)
        #expect(try await stage.store.nextReady(in: ["q"]) == .unknown)
        try await stage.settle(running[0].lease, .ack)
        #expect(try await stage.store.nextReady(in: ["q"]) == .now)
        let next = try await stage.claim(9)
        #expect(next.count == 1)
        try await stage.settle(running[1].lease, .release(after: .zero))
        #expect(try await stage.claim(9).count == 1)
        try await stage.settle(next[0].lease, .bury(reason: "r"))
        #expect(try await stage.claim(9).count == 1)
        try await stage.store.configure("q", QueueSettings(concurrency: .unlimited))
        #expect(try await stage.claim(9).count == 1)
    },
    Scenario("a lowered limit counts what runs, and a raised one acts at once") { stage in
        for _ in 0..<9 { try await stage.enqueue() }
        let running = try await stage.claim(4)
        try await stage.store.configure("q", QueueSettings(concurrency: .to(2)))
        #expect(try await stage.claim(9).isEmpty)
        for job in running.prefix(2) { try await stage.settle(job.lease, .ack) }
        #expect(try await stage.claim(9).isEmpty)
        try await stage.settle(running[2].lease, .ack)
        #expect(try await stage.claim(9).count == 1)
        try await stage.store.configure("q", QueueSettings(concurrency: .to(5)))
        #expect(try await stage.claim(9).count == 3)
    },
    Scenario("at most so many jobs of a group run at a time; jobs without a group are not limited by that") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(2)))
        for _ in 0..<4 {
            try await stage.enqueue(group: "a")
            try await stage.enqueue(group: "b")
            try await stage.enqueue()
        }
        let running = try await stage.claim(99)
        #expect(
            try await stage.groups(of: running).sorted { $0 ?? "" < $1 ?? "" } == [
                nil, nil, nil, nil, "a", "a", "b", "b",
            ])
        #expect(try await stage.claim(99).isEmpty)
        #expect(try await stage.store.nextReady(in: ["q"]) == .unknown)
        for (job, group) in zip(running, try await stage.groups(of: running)) where group == "b" {
            try await stage.settle(job.lease, .ack)
        }
        #expect(try await stage.store.nextReady(in: ["q"]) == .now)
        #expect(try await stage.groups(of: try await stage.claim(99)) == ["b", "b"])
    },
    Scenario("a lease that ends, a death, a kick, a bury and a delete free the place of their job") { stage in
        try await stage.store.configure("q", QueueSettings(concurrency: .to(1), groupConcurrency: .to(1)))
        for _ in 0..<5 { try await stage.enqueue(group: "a") }
        let expired = try await stage.claimOne(lease: .seconds(2))
        #expect(try await stage.claim(9).isEmpty)
        stage.clock.advance(by: .seconds(3))
        #expect(try await stage.store.reap().requeued == 1)
        let buried = try await stage.claimOne()
        #expect(buried.id == expired.id)
        try await stage.store.bury([buried.id], reason: "r")
        let deleted = try await stage.claimOne()
        #expect(try await stage.claim(9).isEmpty)
        try await stage.store.delete([deleted.id])
        let cancelled = try await stage.claimOne()
        try await stage.store.cancel([cancelled.id], reason: "r")
        try await stage.store.kick([buried.id])
        #expect(try await stage.claim(9).map(\.id) == [buried.id])
        #expect(try await stage.claim(9).isEmpty)
    },
    Scenario("the place of a job that is settled together with a claim is free for that claim") { stage in
        for settings in [QueueSettings(concurrency: .to(1)), QueueSettings(groupConcurrency: .to(1))] {
            try await stage.store.configure("q", QueueSettings(concurrency: .unlimited, groupConcurrency: .unlimited))
            try await stage.store.configure("q", settings)
            for _ in 0..<2 { try await stage.enqueue(group: "a") }
            let first = try await stage.claimOne()
            let request = ClaimRequest(queues: ["q"], limit: 9, lease: .seconds(30), worker: "test:1")
            let exchange = try await stage.store.exchange([Settlement(first.lease, .ack)], for: request)
            #expect(exchange.jobs.count == 1)
            for job in exchange.jobs { try await stage.settle(job.lease, .ack) }
        }
    },
    Scenario("a group concurrency that is set while jobs run counts them") { stage in
        for _ in 0..<4 { try await stage.enqueue(group: "a") }
        let running = try await stage.claim(2)
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(2)))
        #expect(try await stage.claim(9).isEmpty)
        try await stage.settle(running[0].lease, .ack)
        #expect(try await stage.claim(9).count == 1)
    },
    Scenario("a pause keeps the places of what runs, and a resume gives no more") { stage in
        try await stage.store.configure("q", QueueSettings(concurrency: .to(1), groupConcurrency: .to(1)))
        for _ in 0..<3 { try await stage.enqueue(group: "a") }
        let running = try await stage.claimOne()
        try await stage.store.configure("q", QueueSettings(paused: true))
        #expect(try await stage.claim(9).isEmpty)
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(try await stage.claim(9).isEmpty)
        try await stage.store.configure("q", QueueSettings(paused: true))
        try await stage.settle(running.lease, .ack)
        #expect(try await stage.claim(9).isEmpty)
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(try await stage.claim(9).count == 1)
    },
    Scenario("a rate counts by the monotonic clock, however the wall clock is set") { stage in
        try await stage.store.configure("q", QueueSettings(rate: .to(Rate(2, per: .seconds(10)))))
        for _ in 0..<6 { try await stage.enqueue() }
        #expect(try await stage.claim(9).count == 2)
        stage.clock.setWall(ahead: .seconds(3_600))
        #expect(try await stage.claim(9).isEmpty)
        stage.clock.setWall(ahead: .seconds(-7_200))
        #expect(try await stage.claim(9).isEmpty)
        stage.clock.advance(by: .milliseconds(10_100))
        #expect(try await stage.claim(9).count == 2)
    },
    Scenario("after a reboot the starts before it count from now on, all of them", needs: .knowsBoots) { stage in
        try await stage.store.configure(
            "q", QueueSettings(rate: .to(Rate(3, per: .seconds(10))), groupRate: .to(Rate(3, per: .seconds(10)))))
        for _ in 0..<9 { try await stage.enqueue(group: "a") }
        for _ in 0..<3 {
            #expect(try await stage.claim(1).count == 1)
            stage.clock.advance(by: .seconds(1))
        }
        stage.clock.reboot()
        #expect(try await stage.store.nextReady(in: ["q"]) == .now, "a worker must look, or it sleeps for long")
        #expect(try await stage.claim(9).isEmpty)
        stage.clock.advance(by: .seconds(9))
        #expect(try await stage.claim(9).isEmpty)
        stage.clock.advance(by: .milliseconds(1_100))
        #expect(try await stage.store.nextReady(in: ["q"]) == .now)
        #expect(try await stage.claim(9).count == 3)
    },
    Scenario("a held group goes on when the time of its job is over") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(1)))
        let first = try await stage.enqueue(options: JobOptions(group: "a", expires: .seconds(5)))
        let second = try await stage.enqueue(group: "a")
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "e", retryAfter: .seconds(50)))
        #expect(try await stage.claim(9).isEmpty)
        stage.clock.advance(by: .seconds(6))
        #expect(try await stage.store.reap().expired == 1)
        #expect(try await stage.state(first) == nil)
        #expect(try await stage.claim(9).map(\.id) == [second])
    },
    Scenario("limits hold exactly, and nothing that they allow is left, whatever happens") { stage in
        for seed: UInt64 in 1...4 {
            var walk = LimitWalk(stage, seed: seed)
            try await walk.run(steps: 250)
        }
    },
    Scenario("in a strict order a job that waits for its retry holds its group back, in a loose one not") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(1)))
        let first = try await stage.enqueue(group: "a")
        let second = try await stage.enqueue(group: "a")
        let other = try await stage.enqueue(group: "b")
        let jobs = try await stage.claim(9)
        #expect(jobs.map(\.id) == [first, other])
        try await stage.settle(jobs[0].lease, .fail(error: "e", retryAfter: .seconds(5)))
        #expect(try await stage.claim(9).isEmpty)
        #expect(try await stage.store.waitReason(of: second) == .groupWaits(group: "a", for: first))
        stage.clock.advance(by: .seconds(6))
        let again = try await stage.claimOne()
        #expect(again.id == first)
        try await stage.settle(again.lease, .fail(error: "e", retryAfter: .seconds(5)))
        try await stage.store.configure("q", QueueSettings(groupOrder: .loose))
        #expect(try await stage.claim(9).map(\.id) == [second])
        stage.clock.advance(by: .seconds(6))
        #expect(try await stage.claim(9).isEmpty)
    },
    Scenario("a held group goes on when its job is deleted, buried or run now") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(1)))
        var ids: [JobID] = []
        for _ in 0..<4 { ids.append(try await stage.enqueue(group: "a")) }
        func failFirst() async throws -> JobID {
            let job = try await stage.claimOne()
            try await stage.settle(job.lease, .fail(error: "e", retryAfter: .seconds(50)))
            #expect(try await stage.claim(9).isEmpty)
            return job.id
        }
        try await stage.store.delete([try await failFirst()])
        try await stage.store.bury([try await failFirst()], reason: "r")
        let third = try await failFirst()
        try await stage.store.runNow([third])
        #expect(try await stage.claim(9).map(\.id) == [third])
    },
    Scenario("at most so many jobs are claimed in any window of a rate") { stage in
        try await stage.store.configure("q", QueueSettings(rate: .to(Rate(3, per: .seconds(10)))))
        for _ in 0..<9 { try await stage.enqueue() }
        #expect(try await stage.claim(2).count == 2)
        stage.clock.advance(by: .seconds(4))
        #expect(try await stage.claim(9).count == 1)
        #expect(try await stage.claim(9).isEmpty)
        guard case .after = try await stage.store.nextReady(in: ["q"]) else {
            Issue.record("a rate does not say when")
            return
        }
        stage.clock.advance(by: .milliseconds(6_100))
        #expect(try await stage.claim(9).count == 2)
        #expect(try await stage.claim(9).isEmpty)
        stage.clock.advance(by: .milliseconds(4_100))
        #expect(try await stage.claim(9).count == 1)
        // What is given back was started for the rate.
        stage.clock.advance(by: .milliseconds(10_100))
        for job in try await stage.claim(3) { try await stage.settle(job.lease, .release(after: .zero)) }
        #expect(try await stage.claim(9).isEmpty)
    },
    Scenario("a group's rate stops that group alone") { stage in
        try await stage.store.configure("q", QueueSettings(groupRate: .to(Rate(1, per: .seconds(10)))))
        let first = [try await stage.enqueue(group: "a"), try await stage.enqueue(group: "b")]
        let second = try await stage.enqueue(group: "a")
        let free = [try await stage.enqueue(), try await stage.enqueue()]
        #expect(Set(try await stage.claim(9).map(\.id)) == Set(first + free))
        #expect(try await stage.claim(9).isEmpty)
        guard case .rate(group: "a", nextStart: let wait)? = try await stage.store.waitReason(of: second) else {
            Issue.record("it is not said that the rate holds the job back")
            return
        }
        #expect(wait > .seconds(9) && wait <= .milliseconds(10_010))
        stage.clock.advance(by: .milliseconds(10_100))
        #expect(try await stage.store.nextReady(in: ["q"]) == .now)
        #expect(try await stage.claim(9).map(\.id) == [second])
    },
    Scenario("of a queue with a limit nothing is claimed ahead") { stage in
        for _ in 0..<9 { try await stage.enqueue() }
        try await stage.store.configure("q", QueueSettings(concurrency: .to(8)))
        let request = ClaimRequest(queues: ["q"], limit: 9, lease: .seconds(30), worker: "test:1", idleSlots: 2)
        #expect(try await stage.store.claim(request).count == 2)
    },
    Scenario("a job of a queue with a limit is not claimed ahead behind those of a queue without one") { stage in
        for _ in 0..<2 { try await stage.enqueue() }
        try await stage.store.configure("q", QueueSettings(concurrency: .to(8)))
        let request = ClaimRequest(
            queues: ["first", "q"], limit: 9, lease: .seconds(30), worker: "test:1", idleSlots: 2)
        for _ in 0..<5 { try await stage.enqueue(in: "first", options: JobOptions(priority: 1)) }
        #expect(Set(try await stage.store.claim(request).map(\.queue)) == ["first"])
        for _ in 0..<5 { try await stage.enqueue(in: "first") }
        // Now they come first, and start at once.
        #expect(try await stage.store.claim(request).map(\.queue).prefix(3) == ["q", "q", "first"])
    },
    Scenario("new groups that come all the time do not starve one that waits") { stage in
        var waiting: [JobID] = []
        for _ in 0..<3 { waiting.append(try await stage.enqueue(group: "old")) }
        #expect(try await stage.claim(2).map(\.id) == Array(waiting.prefix(2)))
        var newcomers = 0
        while newcomers < 200 {
            try await stage.enqueue(group: "new-\(newcomers)")
            let job = try await stage.claimOne()
            if job.id == waiting[2] { break }
            try await stage.settle(job.lease, .ack)
            newcomers += 1
        }
        #expect(newcomers > 10 && newcomers <= 101)
    },
    Scenario("limits of one queue do not hold up another in the same claim") { stage in
        try await stage.store.configure("q", QueueSettings(concurrency: .to(1)))
        for _ in 0..<3 { try await stage.enqueue() }
        let other = try await stage.enqueue(in: "other")
        #expect(try await stage.claim(9, from: ["q", "other"]).map(\.queue) == ["q", "other"])
        #expect(try await stage.state(other) == .leased)
    },
    Scenario("a suspect of a strict group is not passed by the next job of its group") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(1)))
        let suspect = try await stage.enqueue(group: "a")
        let next = try await stage.enqueue(group: "a")
        try await stage.settle(try await stage.claimOne().lease, .suspect)
        let other = try await stage.enqueue(group: "b")
        let request = ClaimRequest(
            queues: ["q"], limit: 9, lease: .seconds(30), worker: "test:1", passesOverSuspects: true)
        #expect(try await stage.store.claim(request).map(\.id) == [other])
        #expect(try await stage.store.nextReady(in: ["q"], passingOverSuspects: true) == .unknown)
        #expect(try await stage.claim(9).map(\.id) == [suspect])
        #expect(try await stage.state(next) == .ready)
    },
    Scenario("a queue is shown with its limits, its groups and why its jobs wait") { stage in
        try await stage.store.configure(
            "q", QueueSettings(concurrency: .to(2), rate: .to(Rate(50, per: .seconds(1))), groupConcurrency: .to(1)))
        try await stage.store.setWeight(2, ofGroup: "b", in: "q")
        let running = try await stage.enqueue(group: "a")
        #expect(try await stage.claim(1).map(\.id) == [running])
        let waiting = try await stage.enqueue(group: "a")
        let details = try #require(try await stage.store.queue("q"))
        #expect(details.limits.concurrency == 2)
        #expect(details.limits.rate == Rate(50, per: .seconds(1)))
        #expect(details.limits.groupConcurrency == 1)
        #expect(try await stage.stats().limits == details.limits)
        #expect(details.startsInWindow == 1)
        #expect(details.groups == 2)
        #expect(try await stage.store.queue("nowhere") == nil)
        let groups = try await stage.store.groups(of: "q", limit: 9).filter { $0.name != nil }
        #expect(
            groups == [
                GroupStats(
                    name: "a", weight: 1, ready: 1, running: 1,
                    waitReason: .groupFull(group: "a", running: 1, limit: 1)),
                GroupStats(name: "b", weight: 2, ready: 0, running: 0),
            ])
        // Those with something to do come first, also if there is no room for all.
        try await stage.store.setWeight(3, ofGroup: "0", in: "q")
        #expect(try await stage.store.groups(of: "q", limit: 9).compactMap(\.name) == ["a", "0", "b"])
        #expect(try await stage.store.groups(of: "q", limit: 1).map(\.name) == ["a"])
        #expect(try await stage.store.waitReason(of: waiting) == .groupFull(group: "a", running: 1, limit: 1))
        #expect(try await stage.store.waitReason(of: running) == nil)
        #expect(try await stage.store.job(waiting)?.record.group == "a")
    },
    Scenario("a waiting job knows what holds it back: its time, a pause, its group, its queue, or its turn") { stage in
        func reason(_ id: JobID) async throws -> WaitReason? { try await stage.store.waitReason(of: id) }
        let first = try await stage.enqueue(group: "a")
        let second = try await stage.enqueue(group: "a")
        let delayed = try await stage.enqueue(options: JobOptions(delay: .seconds(10), group: "b"))
        #expect(try await reason(JobID(rawValue: 4_711)) == nil)
        #expect(try await reason(first) == .turn)
        #expect(try await reason(delayed) == .delayed)
        try await stage.store.configure("q", QueueSettings(paused: true))
        #expect(try await reason(first) == .paused)
        #expect(try await reason(delayed) == .delayed)
        try await stage.store.configure("q", QueueSettings(paused: false))
        // In a strict order the group waits for its job, and goes on when the job is given up.
        try await stage.store.configure("q", QueueSettings(groupConcurrency: .to(1)))
        let failed = try await stage.claimOne()
        #expect(failed.id == first)
        #expect(try await reason(first) == nil)
        #expect(try await reason(second) == .groupFull(group: "a", running: 1, limit: 1))
        try await stage.settle(failed.lease, .fail(error: "e", retryAfter: .seconds(60)))
        #expect(try await reason(second) == .groupWaits(group: "a", for: first))
        #expect(
            try await stage.store.groups(of: "q", limit: 9).first { $0.name == "a" }?.waitReason
                == .groupWaits(group: "a", for: first))
        try await stage.store.configure("q", QueueSettings(groupOrder: .loose))
        #expect(try await reason(second) == .turn)
        // One whose time has come is ready, whether or not a claim has seen it.
        stage.clock.advance(by: .seconds(11))
        #expect(try await reason(delayed) == .turn)
        try await stage.store.configure("q", QueueSettings(concurrency: .to(1), groupConcurrency: .unlimited))
        let running = try await stage.claimOne()
        let waiting = running.id == second ? delayed : second
        #expect(try await reason(waiting) == .queueFull(running: 1, limit: 1))
        // A rate tells in how long it allows the next start.
        try await stage.store.configure(
            "q",
            QueueSettings(
                concurrency: .unlimited, rate: .to(1, per: .seconds(10)), groupRate: .to(1, per: .seconds(20))))
        try await stage.settle(running.lease, .ack)
        let third = try await stage.enqueue(group: "c")
        let last = try await stage.enqueue(group: "c")
        try await stage.store.delete([waiting])
        #expect(try await stage.claimOne().id == third)
        guard case .rate("c", let next)? = try await reason(last) else {
            Issue.record("\(String(describing: try await reason(last)))")
            return
        }
        #expect((.milliseconds(19_900)...(.milliseconds(20_100))).contains(next))
        try await stage.store.configure("q", QueueSettings(groupRate: .unlimited))
        guard case .rate(nil, let sooner)? = try await reason(last) else {
            Issue.record("\(String(describing: try await reason(last)))")
            return
        }
        #expect((.milliseconds(9_900)...(.milliseconds(10_100))).contains(sooner))
        #expect(try await stage.store.queue("q")?.nextStart == sooner)
        stage.clock.advance(by: .seconds(11))
        #expect(try await reason(last) == .turn)
        #expect(try await stage.store.queue("q")?.nextStart == nil)
    },
    Scenario("a limit, a rate, a weight or a group that is none is refused, and nothing changes") { stage in
        try await stage.enqueue(group: "a")
        for settings in [
            QueueSettings(concurrency: .to(0)), QueueSettings(groupConcurrency: .to(-1)),
            QueueSettings(rate: .to(Rate(0, per: .seconds(1)))), QueueSettings(groupRate: .to(Rate(1, per: .zero))),
        ] {
            try await stage.expectRefusal(.invalidInput) { try await stage.store.configure("q", settings) }
        }
        for weight in [0, -1, 1_001] {
            try await stage.expectRefusal(.invalidInput) {
                try await stage.store.setWeight(weight, ofGroup: "a", in: "q")
            }
        }
        try await stage.expectRefusal(.invalidInput) { try await stage.store.setWeight(1, ofGroup: "", in: "q") }
        #expect(try await stage.store.queue("q")?.limits == QueueLimits())
    },
]

extension Stage {
    @discardableResult
    fileprivate func enqueue(group: String) async throws -> JobID {
        try await enqueue(options: JobOptions(group: group))
    }

    fileprivate func groups(of jobs: [LeasedJob]) async throws -> [String?] {
        var groups: [String?] = []
        for job in jobs { groups.append(try await store.job(job.id)?.record.group) }
        return groups
    }
}
