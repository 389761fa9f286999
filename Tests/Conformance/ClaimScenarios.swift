import StintCore
import Testing

let claimScenarios: [Scenario] = [
    Scenario("a claim takes the smallest priority first, then the oldest") { stage in
        var ids: [UInt32: [JobID]] = [:]
        for priority: UInt32 in [5, 1, 5, 0, 1, UInt32.max] {
            ids[priority, default: []].append(try await stage.enqueue(options: JobOptions(priority: priority)))
        }
        let expected = [0, 1, 5, UInt32.max].flatMap { ids[$0]! }
        #expect(try await stage.claim(4).map(\.id) == Array(expected[..<4]))
        #expect(try await stage.claim(4).map(\.id) == Array(expected[4...]))
        #expect(try await stage.claim().isEmpty)
    },
    Scenario("a claim over several queues merges them by priority, then age") { stage in
        let a1 = try await stage.enqueue(in: "a", options: JobOptions(priority: 2))
        let b1 = try await stage.enqueue(in: "b", options: JobOptions(priority: 1))
        let c1 = try await stage.enqueue(in: "c", options: JobOptions(priority: 0))
        let b2 = try await stage.enqueue(in: "b", options: JobOptions(priority: 2))
        let a2 = try await stage.enqueue(in: "a", options: JobOptions(priority: 2))
        #expect(try await stage.claim(3, from: ["a", "b", "a", "nowhere"]).map(\.id) == [b1, a1, b2])
        #expect(try await stage.claim(9, from: ["a", "b", "c"]).map(\.id) == [c1, a2])
    },
    Scenario("the jobs of a claim are leased, and no other claim gets them") { stage in
        for _ in 0..<3 { try await stage.enqueue() }
        let jobs = try await stage.claim(2)
        #expect(jobs.count == 2)
        #expect(try await stage.stats() == stage.expected(ready: 1, leased: 2))
        #expect(try await stage.claim(5).count == 1)
        #expect(try await stage.claim(5).isEmpty)
        let record = try #require(try await stage.store.job(jobs[0].id)?.record)
        #expect(record.worker == "test:1" && record.token == jobs[0].lease.token && record.attempts == 1)
    },
    Scenario("if few jobs are ready, a claim leaves those that it cannot start at once to others") { stage in
        var performers: [Performer] = []
        for number in 1...4 { performers.append(try await stage.hire(process: Int32(number))) }
        let registration = performers[0].id
        func claim(_ limit: Int, idleSlots: Int) async throws -> Int {
            let request = ClaimRequest(
                queues: ["q"], limit: limit, lease: .seconds(30), worker: "host:1", registration: registration,
                idleSlots: idleSlots)
            let jobs = try await stage.store.claim(request)
            return jobs.count
        }
        for _ in 0..<12 { try await stage.enqueue() }
        #expect(try await claim(16, idleSlots: 1) == 3)
        #expect(try await claim(16, idleSlots: 4) == 4)
        #expect(try await claim(2, idleSlots: 0) == 1)
        // Four are left.
        #expect(try await claim(16, idleSlots: 16) == 4)
        for _ in 0..<3 { try await stage.enqueue() }
        #expect(try await claim(16, idleSlots: 0) == 0)
        // Jobs whose time has come count too.
        for _ in 0..<5 { try await stage.enqueue(options: JobOptions(delay: .seconds(1))) }
        stage.clock.advance(by: .seconds(1))
        #expect(try await claim(16, idleSlots: 0) == 2)
        for performer in performers.dropFirst() { try await stage.store.deregister(performer.id) }
        // Without other workers, nothing is left to others.
        #expect(try await claim(16, idleSlots: 0) == 6)
    },
    Scenario("a claim on a queue that does not exist finds nothing and makes nothing") { stage in
        let jobs = try await stage.claim(from: ["nowhere"])
        #expect(jobs.isEmpty)
        #expect(try await stage.store.stats().isEmpty)
    },
    Scenario("a paused queue hands out nothing, others do, and what is leased can be settled") { stage in
        try await stage.enqueue(in: "q")
        let running = try await stage.claimOne()
        try await stage.enqueue(in: "q")
        try await stage.enqueue(in: "other")
        try await stage.store.configure("q", QueueSettings(paused: true))
        #expect(try await stage.stats().paused)
        #expect(try await stage.claim(9, from: ["q", "other"]).map(\.queue) == ["other"])
        #expect(try await stage.store.nextReady(in: ["q"]) == .unknown)
        try await stage.settle(running.lease, .ack)
        try await stage.store.configure("q", QueueSettings(paused: false))
        #expect(try await stage.claim(9).count == 1)
    },
    Scenario("settling and claiming go in one transaction, with an answer for each") { stage in
        for _ in 0..<4 { try await stage.enqueue() }
        let first = try await stage.claim(2)
        try await stage.settle(first[0].lease, .ack)
        let request = ClaimRequest(queues: ["q"], limit: 2, lease: .seconds(30), worker: "test:1")
        let exchange = try await stage.store.exchange(
            [Settlement(first[0].lease, .ack), Settlement(first[1].lease, .ack)], for: request)
        #expect(exchange.answers == [.leaseLost, .settled(.done)])
        #expect(exchange.jobs.count == 2)
        #expect(try await stage.stats() == stage.expected(leased: 2, done: 2))
    },
    Scenario("a claim takes no more than its budget of bytes, and gives back the rest as it was") { stage in
        let sizes = [40, 40, 40, 200, 10, 10]
        for size in sizes { try await stage.enqueue(String(repeating: "x", count: size)) }
        func claim(_ bytes: Int) async throws -> (sizes: [Int], isCut: Bool) {
            let exchange = try await stage.exchange(9, budget: ByteBudget(bytes: bytes))
            return (exchange.jobs.map(\.payload.count), exchange.isCut)
        }
        #expect(try await claim(100) == ([40, 40], true))
        #expect(try await stage.stats() == stage.expected(ready: 4, leased: 2))
        // The first one always: a job that is larger than the budget is claimed too, and alone.
        #expect(try await claim(30) == ([40], true))
        #expect(try await claim(100) == ([200], true))
        for record in try await stage.store.list(JobFilter(state: .ready)) {
            #expect(record.attempts == 0 && record.crashes == 0 && !record.suspect)
        }
        #expect(try await claim(20) == ([10, 10], false))
        #expect(try await stage.stats() == stage.expected(leased: 6))
    },
    Scenario("a claim by id takes that job, ready, delayed or buried, and leaves those before it") { stage in
        let ids = try await stage.jobs(in: .ready, .delayed, .buried)
        let first = try await stage.enqueue(options: JobOptions(priority: 0))
        for state in [JobState.ready, .delayed, .buried] {
            let request = ClaimRequest(ids[state]!, lease: .seconds(30), worker: "test:1")
            let jobs = try await stage.store.claim(request)
            let job = try #require(jobs.first)
            #expect(jobs.count == 1 && job.id == ids[state] && job.attempt == 1 && job.queue == "q")
            #expect(try await stage.state(job.id) == .leased)
            // It has a holder now.
            #expect(try await stage.store.claim(request).isEmpty)
        }
        #expect(try await stage.stats() == stage.expected(ready: 1, leased: 3))
        #expect(try await stage.claim(5).map(\.id) == [first])
    },
    Scenario("a buried job that is claimed by id has all its attempts again") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 1))
        try await stage.settle(try await stage.claimOne().lease, .crash(error: "SIGKILL", retryAfter: .zero))
        let request = ClaimRequest(id, lease: .seconds(30), worker: "test:1")
        let job = try #require(try await stage.store.claim(request).first)
        #expect(job.attempt == 1)
        try await stage.settle(job.lease, .release(after: .zero))
        let record = try #require(try await stage.store.job(id)?.record)
        #expect(record.state == .ready && record.attempts == 0 && record.crashes == 0)
    },
    Scenario("a claim by id gets no job that is over, of a paused queue, or beyond a limit") { stage in
        func claim(_ id: JobID) async throws -> Int {
            let jobs = try await stage.store.claim(ClaimRequest(id, lease: .seconds(30), worker: "test:1"))
            return jobs.count
        }
        let ids = try await stage.jobs(in: .done, .leased, .ready)
        #expect(try await claim(JobID(rawValue: 999_999)) == 0)
        #expect(try await claim(ids[.done]!) == 0)
        #expect(try await claim(ids[.leased]!) == 0)
        try await stage.store.configure("q", QueueSettings(paused: true))
        #expect(try await claim(ids[.ready]!) == 0)
        try await stage.store.configure("q", QueueSettings(paused: false))
        // One runs.
        try await stage.store.configure("q", QueueSettings(concurrency: 1))
        #expect(try await claim(ids[.ready]!) == 0)
        try await stage.store.configure("q", QueueSettings(concurrency: 2))
        #expect(try await claim(ids[.ready]!) == 1)
        let expired = try await stage.enqueue(in: "r", options: JobOptions(expires: .seconds(1)))
        stage.clock.advance(by: .seconds(1))
        #expect(try await claim(expired) == 0)
    },
    Scenario("a claim by id counts in the limits of the job's group") { stage in
        try await stage.store.configure("q", QueueSettings(groupConcurrency: 1))
        let one = try await stage.enqueue(options: JobOptions(group: "g"))
        let two = try await stage.enqueue(options: JobOptions(group: "g"))
        let other = try await stage.enqueue(options: JobOptions(group: "h"))
        func claim(_ id: JobID) async throws -> [LeasedJob] {
            try await stage.store.claim(ClaimRequest(id, lease: .seconds(30), worker: "test:1"))
        }
        let held = try #require(try await claim(two).first)
        #expect(try await claim(one).isEmpty)
        #expect(try await stage.claim(5).map(\.id) == [other])
        try await stage.settle(held.lease, .ack)
        #expect(try await stage.claimOne().id == one)
    },
]

extension Stage {
    func expected(
        ready: Int = 0, delayed: Int = 0, leased: Int = 0, buried: Int = 0, done: Int = 0, cancelled: Int = 0,
        expired: Int = 0, paused: Bool = false
    ) -> QueueStats {
        QueueStats(
            name: "q", ready: ready, delayed: delayed, leased: leased, buried: buried, done: done, cancelled: cancelled,
            expired: expired, paused: paused)
    }
}
