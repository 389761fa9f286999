import Foundation
import StintCore
import Testing

let settleScenarios: [Scenario] = [
    Scenario("an acknowledged job is gone and never runs again") { stage in
        let id = try await stage.enqueue()
        #expect(try await stage.settle(try await stage.claimOne().lease, .ack) == .done)
        #expect(try await stage.store.job(id) == nil)
        stage.clock.advance(by: .seconds(86_400))
        #expect(try await stage.reap() == ReapReport())
        #expect(try await stage.claim().isEmpty)
        #expect(try await stage.stats() == stage.expected(done: 1))
    },
    Scenario("a released job is ready again and has used up no attempt") { stage in
        let id = try await stage.enqueue()
        #expect(try await stage.settle(try await stage.claimOne().lease, .release(after: .zero)) == .ready)
        #expect(try await stage.settle(try await stage.claimOne().lease, .release(after: .seconds(2))) == .delayed)
        #expect(try await stage.claim().isEmpty)
        stage.clock.advance(by: .seconds(2))
        let job = try await stage.claimOne()
        #expect(job.id == id && job.attempt == 1)
    },
    Scenario("a failed job runs again after its delay, and each attempt keeps its error") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 3))
        for attempt in 1...3 {
            let job = try await stage.claimOne()
            #expect(job.attempt == attempt)
            let state = try await stage.settle(job.lease, .fail(error: "no \(attempt)", retryAfter: .seconds(1)))
            #expect(state == (attempt < 3 ? .delayed : .buried))
            stage.clock.advance(by: .seconds(1))
        }
        let job = try #require(try await stage.store.job(id))
        #expect(job.failures.map(\.attempt) == [1, 2, 3])
        #expect(job.failures.map(\.error) == ["no 1", "no 2", "no 3"])
        #expect(job.failures.allSatisfy { $0.kind == .failed && $0.worker == "test:1" })
        #expect(job.record.reason == "no attempts left (3 of 3), last: no 3")
        #expect(try await stage.claim().isEmpty)
    },
    Scenario("a job that crashes its process is buried after maxCrashes, before maxAttempts") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 9, maxCrashes: 2))
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "e", retryAfter: .zero))
        try await stage.settle(try await stage.claimOne().lease, .crash(error: "SIGSEGV", retryAfter: .zero))
        #expect(try await stage.state(id) == .ready)
        #expect(
            try await stage.settle(try await stage.claimOne().lease, .crash(error: "SIGSEGV", retryAfter: .zero))
                == .buried)
        let record = try #require(try await stage.store.job(id)?.record)
        #expect(record.crashes == 2 && record.attempts == 3)
        #expect(record.reason?.contains("SIGSEGV") == true)
    },
    Scenario("crashes count as attempts too") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1, maxCrashes: 3))
        try await stage.settle(try await stage.claimOne().lease, .crash(error: "SIGKILL", retryAfter: .zero))
        #expect(try await stage.state(id) == .buried)
    },
    Scenario("a buried job stays until it is kicked, and then has all its attempts again") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1))
        #expect(try await stage.settle(try await stage.claimOne().lease, .bury(reason: "bad address")) == .buried)
        stage.clock.advance(by: .seconds(86_400))
        #expect(try await stage.claim().isEmpty)
        #expect(try await stage.store.job(id)?.record.reason == "bad address")
        #expect(try await stage.store.kick("q", limit: 10) == 1)
        let job = try await stage.claimOne()
        #expect(job.attempt == 1)
        try await stage.settle(job.lease, .ack)
        #expect(try await stage.stats() == stage.expected(done: 1))
    },
    Scenario("buried jobs have the order of their burials: the first is kicked first") { stage in
        func buried(isReversed: Bool = false, in query: String = "queue:q") async throws -> [JobID] {
            let query = try JobQuery("\(query) state:buried")
            return try await stage.store.page(JobFilter(query, isReversed: isReversed), after: nil).jobs.map(\.id)
        }
        let ids = try await stage.enqueue(5)
        // By people, in one call, and at the same time by a worker.
        try await stage.store.bury([ids[3]], reason: "by hand")
        try await stage.store.bury([ids[4], ids[1]], reason: "by hand")
        let (first, second) = (try await stage.claimOne(), try await stage.claimOne())
        #expect([first.id, second.id] == [ids[0], ids[2]])
        #expect(
            try await stage.store.settle([
                Settlement(second.lease, .bury(reason: "no")), Settlement(first.lease, .bury(reason: "no")),
            ]) == [.settled(.buried), .settled(.buried)])
        let order = [3, 4, 1, 2, 0].map { ids[$0] }
        #expect(try await buried() == order)
        #expect(try await buried(isReversed: true) == order.reversed())
        #expect(try await buried(in: "") == order)
        #expect(try await stage.store.kick("q", limit: 2) == 2)
        #expect(try await buried() == Array(order.dropFirst(2)))
        // Buried again, it is the last one.
        try await stage.store.bury([order[0]], reason: "again")
        #expect(try await buried() == order.dropFirst(2) + [order[0]])
        #expect(try await stage.state(order[1]) == .ready)
    },
    Scenario("the buried jobs of a group have the order of their burials too") { stage in
        var ids: [JobID] = []
        for _ in 0..<3 { ids.append(try await stage.enqueue(options: JobOptions(group: "g"))) }
        for index in [2, 0, 1] { try await stage.store.bury([ids[index]], reason: "by hand") }
        let filter = JobFilter(try JobQuery("queue:q state:buried group:g"))
        #expect(try await stage.store.page(filter, after: nil).jobs.map(\.id) == [2, 0, 1].map { ids[$0] })
    },
    Scenario("a job that is buried again while a walk kicks is not kicked a second time") { stage in
        let ids = try await stage.enqueue(4)
        try await stage.store.bury(ids, reason: "by hand")
        var (kicked, cursor): ([JobID], SelectionCursor?) = ([], nil)
        repeat {
            let step = try await stage.store.change(JobSelection("q"), .kick, from: cursor, limit: 1)
            kicked += step.jobs
            try await stage.store.bury(step.jobs, reason: "again")
            cursor = step.next
        } while cursor != nil && kicked.count < 20
        #expect(kicked == ids)
        #expect(try await stage.stats() == stage.expected(buried: 4))
    },
    Scenario("a walk that deletes takes also jobs that were buried after it began") { stage in
        let ids = try await stage.enqueue(3)
        let selection = JobSelection("q")
        var step = try await stage.store.change(selection, .delete, from: nil, limit: 1)
        #expect(step.jobs == [ids[0]])
        try await stage.store.bury([ids[2]], reason: "meanwhile")
        var deleted = step.jobs
        while let next = step.next {
            step = try await stage.store.change(selection, .delete, from: next, limit: 10)
            deleted += step.jobs
        }
        #expect(Set(deleted) == Set(ids))
    },
    Scenario("follow-up jobs come with the ack, or not at all when the lease is lost") { stage in
        try await stage.enqueue()
        let job = try await stage.claimOne()
        let followUps = [try NewJob([1], in: "next"), try NewJob([2], in: "next")]
        let settlement = Settlement(job.lease, .ack, followUps: followUps)
        #expect(try await stage.store.settle([settlement]) == [.settled(.done)])
        #expect(try await stage.stats("next").ready == 2)
        #expect(try await stage.store.settle([settlement]) == [.leaseLost])
        #expect(try await stage.stats("next").ready == 2)
    },
    Scenario("done jobs are kept for the queue's retention and then pruned with all that belongs to them") { stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        let id = try await stage.enqueue("kept")
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "once", retryAfter: .zero))
        try await stage.settle(try await stage.claimOne().lease, .ack)
        let job = try #require(try await stage.store.job(id))
        #expect(job.record.state == .done && job.payload == Array("kept".utf8) && job.failures.count == 1)
        #expect(job.record.doneAt == Date(stage.clock.now().wall))
        stage.clock.advance(by: .milliseconds(59_999))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.advance(by: .milliseconds(1))
        #expect(try await stage.reap() == ReapReport(pruned: 1))
        #expect(try await stage.store.job(id) == nil)
        #expect(try await stage.stats().done == 1)
    },
    Scenario("a queue that keeps nothing any more has its kept jobs pruned") { stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        try await stage.enqueue()
        try await stage.settle(try await stage.claimOne().lease, .ack)
        try await stage.store.configure("q", QueueSettings(retention: .zero))
        #expect(try await stage.reap() == ReapReport(pruned: 1))
    },
    Scenario("a job that is kicked again and again keeps no endless history") { stage in
        let id = try await stage.enqueue(options: JobOptions(maxAttempts: 1))
        for round in 1...60 {
            try await stage.settle(try await stage.claimOne().lease, .fail(error: "\(round)", retryAfter: .zero))
            try await stage.store.kick([id])
        }
        let failures = try #require(try await stage.store.job(id)?.failures)
        #expect(failures.map(\.error) == (11...60).map(String.init))
    },
    Scenario("a settlement can change the priority with the state, and only with a valid lease") { stage in
        let first = try await stage.enqueue(options: JobOptions(priority: 1))
        let second = try await stage.enqueue(options: JobOptions(priority: 2))
        func settle(_ lease: Lease, _ outcome: Settlement.Outcome, _ priority: UInt32?) async throws -> JobState {
            try await stage.store.settle(Settlement(lease, outcome, priority: priority))
        }
        let job = try await stage.claimOne()
        #expect(try await settle(job.lease, .release(after: .zero), 3) == .ready)
        #expect(try await stage.claim(2).map(\.id) == [second, first])
        for (outcome, priority) in [
            (Settlement.Outcome.release(after: .seconds(5)), UInt32.max), (.bury(reason: "no"), 0),
            (.fail(error: "no", retryAfter: .zero), 7),
        ] {
            let id = try await stage.enqueue(in: "r")
            let job = try await stage.claimOne(from: "r")
            _ = try await settle(job.lease, outcome, priority)
            #expect(try await stage.store.job(id)?.record.priority == priority)
            await #expect(throws: StintError.self) { try await settle(job.lease, outcome, 99) }
            #expect(try await stage.store.job(id)?.record.priority == priority)
            try await stage.store.delete([id])
        }
    },
]
