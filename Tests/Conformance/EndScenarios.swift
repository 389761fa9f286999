import StintCore
import Testing

/// Jobs that end without being done: cancelled, expired, or of a kind that no worker knows.
let endScenarios: [Scenario] = [
    Scenario("a cancelled job is over in whatever state it was, is kept with the reason, and never runs again") {
        stage in
        for state in [JobState.ready, .delayed, .leased, .buried] {
            let id = try #require(try await stage.jobs(in: state)[state])
            let held = try await stage.store.job(id)?.record.token
            try await stage.store.cancel([id], reason: "not \0 wanted")
            let record = try #require(try await stage.store.job(id)?.record)
            #expect(record.state == .cancelled && record.reason == "not \u{FFFD} wanted")
            #expect(record.cancelledAtMilliseconds == stage.clock.now().wall)
            if let held {
                let lease = Lease(job: id, token: held)
                #expect(try await stage.store.extend([lease], by: .seconds(9)) == [lease])
                for outcome: Settlement.Outcome in [
                    .ack, .fail(error: "e", retryAfter: .zero), .bury(reason: "b"), .expire,
                ] {
                    try await stage.expectLeaseLost(lease, outcome)
                }
            }
            stage.clock.advance(by: .seconds(9))
            #expect(try await stage.claim(9).isEmpty)
            try await stage.expectRefusal(.invalidInput) { try await stage.store.runNow([id]) }
            try await stage.expectRefusal(.invalidInput) { try await stage.store.kick([id]) }
            try await stage.expectRefusal(.invalidInput) { try await stage.store.bury([id], reason: "b") }
            try await stage.store.cancel([id], reason: "again")
            #expect(try await stage.store.job(id)?.record == record)
            #expect(try await stage.store.list(JobFilter(queue: "q", state: .cancelled)).map(\.id) == [id])
            try await stage.store.delete([id])
        }
        #expect(try await stage.stats() == stage.expected(cancelled: 4))
    },
    Scenario("a cancel changes all of its jobs or none; what is done or has expired cannot be cancelled") { stage in
        let ids = try await stage.jobs(in: .ready, .delayed, .leased, .buried, .done)
        let late = try await stage.enqueue(options: JobOptions(expires: .seconds(1)))
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap().expired == 1)
        let open = [JobState.ready, .delayed, .leased, .buried].map { ids[$0]! }
        for bad in [ids[.done]!, late] {
            try await stage.expectRefusal(.invalidInput) { try await stage.store.cancel(open + [bad], reason: "r") }
        }
        try await stage.expectRefusal(.notFound) {
            try await stage.store.cancel(open + [JobID(rawValue: 999)], reason: "r")
        }
        try await stage.store.cancel(open + open, reason: "r")
        #expect(try await stage.stats() == stage.expected(done: 1, cancelled: 4, expired: 1))
    },
    Scenario("a cancelled job is counted and gone if its queue keeps none, and kept for the retention otherwise") {
        stage in
        let gone = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        try await stage.store.cancel([gone], reason: "r")
        #expect(try await stage.store.job(gone) == nil)
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        let kept = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        #expect(kept != gone)
        try await stage.store.cancel([kept], reason: "r")
        #expect(try await stage.store.job(kept)?.record.uniqueKey == nil)
        let next = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        #expect(next != kept)
        stage.clock.advance(by: .seconds(59))
        #expect(try await stage.reap().pruned == 0)
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap().pruned == 1)
        #expect(try await stage.state(kept) == nil)
        #expect(try await stage.stats() == stage.expected(ready: 1, cancelled: 2))
    },
    Scenario("a cancel of a selection takes what is not over and meets the conditions") { stage in
        let ids = try await stage.jobs(in: .ready, .delayed, .leased, .buried, .done)
        let other = try await stage.enqueue(in: "other")
        let queue = JobQueue(store: AnyJobStore(stage.store, address: "test"))
        #expect(try await queue.cancel(JobSelection("q", states: [.delayed, .done]), reason: "r") == 1)
        #expect(try await stage.state(ids[.delayed]!) == .cancelled)
        #expect(try await queue.cancel(JobSelection("q")) == 3)
        #expect(try await stage.stats() == stage.expected(done: 1, cancelled: 4))
        #expect(try await stage.state(other) == .ready)
        #expect(JobChange.cancel(reason: "r").states == [.ready, .delayed, .leased, .buried])
    },
    Scenario("who holds jobs is told at once when they are revoked, by a mark that then has another value") { stage in
        let performer = try await stage.hire()
        for number in 0..<4 { try await stage.enqueue("\(number)") }
        let jobs = try await stage.claim(4, by: performer)
        let mark = performer.place.revocations
        var changes = mark.changes().makeAsyncIterator()
        let queue = JobQueue(store: AnyJobStore(stage.store, address: "test"))
        for (number, revoke)
            in ([
                { try await queue.cancel([jobs[0].id]) }, { try await queue.bury([jobs[1].id], reason: "r") },
                { try await queue.delete([jobs[2].id]) },
                { _ = try await queue.cancel(JobSelection("q", states: [.leased])) },
            ] as [@Sendable () async throws -> Void]).enumerated()
        {
            let before = mark.read()
            try await revoke()
            #expect(mark.read() != before)
            #expect(await changes.next() != nil)
            let held = try await stage.store.leases(heldBy: performer.id).map(\.lease.job).sorted()
            #expect(held == jobs[(number + 1)...].map(\.id))
        }
    },

    // MARK: - Expiry

    Scenario("a job whose time is over is not claimed, whether it was ready, delayed or waits for its next attempt") {
        stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        let expires = Duration.seconds(10)
        let retried = try await stage.enqueue(options: JobOptions(expires: expires))
        let first = try await stage.claimOne()
        #expect(first.expiresAtMilliseconds == stage.clock.now().wall + 10_000)
        try await stage.settle(first.lease, .fail(error: "e", retryAfter: .seconds(5)))
        let ready = try await stage.enqueue(options: JobOptions(expires: expires))
        let delayed = try await stage.enqueue(options: JobOptions(delay: .seconds(11), expires: expires))
        let lasting = try await stage.enqueue()
        stage.clock.advance(by: .milliseconds(9_999))
        #expect(try await stage.state(ready) == .ready)
        stage.clock.advance(by: .seconds(2))
        #expect(try await stage.claim(9).map(\.id) == [lasting])
        for (id, attempts) in [(retried, 1), (ready, 0), (delayed, 0)] {
            let record = try #require(try await stage.store.job(id)?.record)
            #expect(record.state == .expired && record.attempts == attempts)
            #expect(record.reason == Transition.expiryReason(attempts: Int64(attempts)))
            #expect(record.expiredAtMilliseconds == stage.clock.now().wall)
        }
        #expect(try await stage.stats() == stage.expected(leased: 1, expired: 3))
    },
    Scenario("a job is claimed until its time is over, and may then run on") { stage in
        try await stage.enqueue(options: JobOptions(expires: .seconds(10)))
        stage.clock.advance(by: .milliseconds(9_999))
        let job = try await stage.claimOne()
        stage.clock.advance(by: .seconds(5))
        #expect(try await stage.reap() == ReapReport())
        #expect(try await stage.settle(job.lease, .ack) == .done)
    },
    Scenario("a job that was claimed and not started in time expires by the word of its holder, at no cost") { stage in
        let key = JobOptions(uniqueKey: "k", expires: .seconds(10))
        let id = try await stage.enqueue(options: key)
        let job = try await stage.claimOne()
        stage.clock.advance(by: .seconds(10))
        #expect(try await stage.settle(job.lease, .expire) == .expired)
        #expect(try await stage.state(id) == nil)
        #expect(try await stage.enqueue(options: key) != id)
        try await stage.expectLeaseLost(job.lease, .expire)
        #expect(try await stage.stats() == stage.expected(ready: 1, expired: 1))
    },
    Scenario("a reap ends jobs whose time is over that nobody claims, also of a paused queue, and prunes them later") {
        stage in
        try await stage.store.configure("q", QueueSettings(paused: true, retention: .seconds(60)))
        for delay in [Duration.zero, .seconds(100)] {
            for _ in 0..<3 { try await stage.enqueue(options: JobOptions(delay: delay, expires: .seconds(10))) }
        }
        try await stage.enqueue()
        stage.clock.advance(by: .milliseconds(9_999))
        #expect(try await stage.reap() == ReapReport())
        stage.clock.advance(by: .milliseconds(1))
        #expect(try await stage.reapAll() == ReapReport(expired: 6))
        #expect(try await stage.reapAll() == ReapReport())
        #expect(try await stage.stats() == stage.expected(ready: 1, expired: 6, paused: true))
        #expect(try await stage.store.list(JobFilter(queue: "q", state: .expired)).count == 6)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.reapAll() == ReapReport(pruned: 6))
        #expect(try await stage.stats() == stage.expected(ready: 1, expired: 6, paused: true))
    },
    Scenario(
        "a job that waits although its time is over keeps no enqueue away that has its unique key, and gets no event"
    ) {
        stage in
        for delay in [Duration.zero, .seconds(100)] {
            for policy in [ConflictPolicy.keep, .replace, .collect] {
                let key = JobOptions(delay: delay, uniqueKey: "k", expires: .seconds(1), onConflict: policy)
                let late = try await stage.enqueue(options: key)
                stage.clock.advance(by: .seconds(1))
                let next = try await stage.enqueue(options: key)
                #expect(next != late)
                #expect(try await stage.enqueue(options: key) == next)
                try await stage.store.delete([late, next])
            }
        }
    },
    Scenario("in a queue with groups a claim passes jobs whose time is over: none is started, and none is lost") {
        stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        for _ in 0..<30 { try await stage.enqueue(options: JobOptions(priority: 1, group: "a", expires: .seconds(1))) }
        let last = try await stage.enqueue(options: JobOptions(priority: 2, group: "a"))
        let other = try await stage.enqueue(options: JobOptions(priority: 2, group: "b"))
        stage.clock.advance(by: .seconds(1))
        var claimed: Set<JobID> = []
        for _ in 0..<30 where claimed.count < 2 { claimed.formUnion(try await stage.claim().map(\.id)) }
        #expect(claimed == [last, other])
        #expect(try await stage.stats() == stage.expected(leased: 2, expired: 30))
    },
    Scenario("claims pass any number of jobs whose time is over and find those behind them") { stage in
        for _ in 0..<30 { try await stage.enqueue(options: JobOptions(priority: 1, expires: .seconds(1))) }
        let id = try await stage.enqueue(options: JobOptions(priority: 2))
        stage.clock.advance(by: .seconds(1))
        var claimed: [JobID] = []
        for _ in 0..<30 where claimed.isEmpty { claimed = try await stage.claim().map(\.id) }
        #expect(claimed == [id])
        #expect(try await stage.stats() == stage.expected(leased: 1, expired: 30))
        #expect(try await stage.reapAll().expired == 0)
    },
    Scenario("a job that is kicked after its time expires and is not started") { stage in
        let id = try await stage.enqueue(options: JobOptions(expires: .seconds(1)))
        try await stage.store.bury([id], reason: "r")
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap() == ReapReport())
        try await stage.store.kick([id])
        #expect(try await stage.claim().isEmpty)
        #expect(try await stage.stats() == stage.expected(expired: 1))
    },

    // MARK: - Jobs of a kind that the holder does not know

    Scenario("a refused job waits, longer each time, at no cost; its first refusal is kept, and at last it is buried") {
        stage in
        let id = try await stage.enqueue()
        func refuse(_ minutes: Int = 15) async throws -> JobState {
            try await stage.settle(
                try await stage.claimOne().lease,
                .refuse(reason: "no handler", retryAfter: .seconds(5), patience: .seconds(minutes * 60)))
        }
        var (waited, claims) = (Duration.zero, 0)
        while try await refuse() == .delayed {
            claims += 1
            let record = try #require(try await stage.store.job(id)?.record)
            #expect(record.attempts == 0 && record.crashes == 0)
            let delay = Duration.milliseconds(record.runAtMilliseconds! - stage.clock.now().wall)
            #expect(delay == .milliseconds(max(.seconds(5), min(waited / 2, .seconds(60))).milliseconds))
            stage.clock.advance(by: delay)
            waited += delay
            #expect(try await stage.store.job(id)?.failures.map(\.kind) == [.refused])
        }
        #expect(waited >= .seconds(900) && waited < .seconds(960) && claims < 30)
        let buried = try #require(try await stage.store.job(id))
        #expect(buried.record.state == .buried && buried.record.attempts == 0)
        #expect(buried.record.reason?.hasPrefix("no handler; no worker had one for ") == true)
        #expect(buried.failures.map(\.kind) == [.refused, .buried])
        // It begins again.
        try await stage.store.kick([id])
        #expect(try await refuse() == .delayed)
        try await stage.store.runNow([id])
        try await stage.settle(try await stage.claimOne().lease, .fail(error: "e", retryAfter: .zero))
        stage.clock.advance(by: .seconds(1_000))
        #expect(try await refuse() == .delayed)
        stage.clock.advance(by: .seconds(60))
        #expect(try await refuse(0) == .buried)
    },
]
