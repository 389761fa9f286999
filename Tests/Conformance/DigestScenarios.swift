import Foundation
import StintCore
import Testing

extension Stage {
    /// Enqueues an event of the key `k`.
    @discardableResult
    fileprivate func collect(
        _ text: String, key: String = "k", debounce: Duration? = nil, atMost: Duration? = nil, delay: Duration = .zero,
        maxEvents: Int = 1_000, maxEventBytes: Int = 16_777_216, contentType: String? = nil,
        headers: Headers = Headers()
    ) async throws -> Enqueued {
        let options = JobOptions(
            delay: delay, headers: headers, uniqueKey: key, onConflict: .collect, debounce: debounce, atMost: atMost,
            maxEvents: maxEvents, maxEventBytes: maxEventBytes)
        let job = try NewJob(Array(text.utf8), in: "q", contentType: contentType, options: options)
        return try await store.enqueue([job])[0]
    }

    fileprivate func replace(
        _ text: String, delay: Duration = .zero, priority: UInt32 = 1_024, headers: Headers = Headers()
    ) async throws -> Enqueued {
        let options = JobOptions(
            priority: priority, delay: delay, headers: headers, uniqueKey: "k", onConflict: .replace)
        return try await store.enqueue([NewJob(Array(text.utf8), in: "q", options: options)])[0]
    }

    fileprivate func events(_ id: JobID) async throws -> [String]? {
        try await store.job(id)?.events?.map { String(decoding: $0, as: UTF8.self) }
    }

    fileprivate func runAt(_ id: JobID) async throws -> Timestamp? {
        try await store.job(id)?.record.runAtMilliseconds
    }
}

private func texts(_ job: LeasedJob) -> [String]? { job.events?.map { String(decoding: $0, as: UTF8.self) } }

let digestScenarios: [Scenario] = [
    Scenario("a digest brings all its events to the handler, in their order, and goes with its ack") { stage in
        let first = try await stage.collect("a")
        #expect(first.outcome == .added)
        for text in ["b", "", "c\n👩‍👩‍👧‍👦"] {
            #expect(try await stage.collect(text) == Enqueued(id: first.id, outcome: .collected))
        }
        #expect(try await stage.stats().ready == 1)
        let record = try #require(try await stage.store.job(first.id)?.record)
        #expect(record.events == 4 && record.payloadBytes == 2 + "c\n👩‍👩‍👧‍👦".utf8.count)
        #expect(try await stage.store.list(JobFilter()).map(\.events) == [4])
        #expect(try await stage.store.list(JobFilter()).map(\.payloadBytes) == [record.payloadBytes])
        let job = try await stage.claimOne()
        #expect(job.id == first.id && texts(job) == ["a", "b", "", "c\n👩‍👩‍👧‍👦"])
        #expect(job.contentType == "text/plain; charset=utf-8" && job.bytes == record.payloadBytes)
        #expect(String(decoding: job.payload.prefix(8), as: UTF8.self) == "1\na\n1\nb\n")
        try await stage.settle(job.lease, .ack)
        #expect(try await stage.store.job(first.id) == nil)
        let next = try await stage.collect("d")
        #expect(next.outcome == .added && next.id > first.id)
        #expect(try await stage.events(next.id) == ["d"])
    },
    Scenario("a job that collects nothing is a digest of one, and any other job is none") { stage in
        try await stage.collect("a")
        #expect(texts(try await stage.claimOne()) == ["a"])
        try await stage.enqueue("b")
        let other = try await stage.claimOne()
        #expect(other.events == nil && other.payload == Array("b".utf8))
        #expect(try await stage.store.job(other.id)?.record.events == nil)
    },
    Scenario("several events of one call, and of several keys and queues, find their digests") { stage in
        let jobs = try [("a", "q"), ("b", "q"), ("a", "p"), ("a", "q"), ("b", "q"), ("a", "p")].enumerated()
            .map { number, place in
                try NewJob(
                    [UInt8(number)], in: try QueueName(place.1), contentType: ContentType.bytes,
                    options: JobOptions(uniqueKey: place.0, onConflict: .collect))
            }
        let answers = try await stage.store.enqueue(jobs)
        #expect(answers.map(\.outcome) == [.added, .added, .added, .collected, .collected, .collected])
        #expect(answers[3].id == answers[0].id && answers[4].id == answers[1].id && answers[5].id == answers[2].id)
        #expect(try await stage.claim(9).map(\.events) == [[[0], [3]], [[1], [4]]])
        #expect(try await stage.claim(9, from: ["p"]).map(\.events) == [[[2], [5]]])
    },
    Scenario("an event that comes while the digest runs starts the next one, whatever becomes of the first") { stage in
        for outcome: Settlement.Outcome in [
            .ack, .fail(error: "e", retryAfter: .zero), .release(after: .zero), .suspect, .bury(reason: "r"),
        ] {
            let first = try await stage.collect("a")
            let job = try await stage.claimOne()
            let second = try await stage.collect("b")
            #expect(second.outcome == .added && second.id > first.id)
            try await stage.settle(job.lease, outcome)
            // It was claimed once, and stays as it was.
            #expect(try await stage.collect("c") == Enqueued(id: second.id, outcome: .collected))
            if outcome != .ack { #expect(try await stage.events(first.id) == ["a"]) }
            #expect(try await stage.events(second.id) == ["b", "c"])
            try await stage.store.delete(try await stage.store.list(JobFilter()).map(\.id))
        }
    },
    Scenario("a digest that came back from a dead worker, or was buried and kicked while it ran, takes no more events")
    {
        stage in
        let first = try await stage.collect("a")
        _ = try await stage.claim(1, lease: .seconds(1))
        stage.clock.advance(by: .seconds(2))
        _ = try await stage.reapAll()
        #expect(try await stage.state(first.id) == .ready)
        #expect(try await stage.collect("b").outcome == .added)
        #expect(try await stage.events(first.id) == ["a"])
        try await stage.store.delete(try await stage.store.list(JobFilter()).map(\.id))
        let third = try await stage.collect("c")
        _ = try await stage.claimOne()
        try await stage.store.bury([third.id], reason: "by hand")
        try await stage.store.kick([third.id])
        #expect(try await stage.collect("d").outcome == .added)
        #expect(texts(try await stage.claimOne()) == ["c"])
        #expect(texts(try await stage.claimOne()) == ["d"])
    },
    Scenario("a digest that is retried has the same events") { stage in
        try await stage.collect("a")
        try await stage.collect("b")
        let job = try await stage.claimOne()
        try await stage.settle(job.lease, .fail(error: "e", retryAfter: .seconds(5)))
        stage.clock.advance(by: .seconds(5))
        let again = try await stage.claimOne()
        #expect(again.id == job.id && again.attempt == 2 && texts(again) == ["a", "b"])
    },
    Scenario("each event moves the start, never past the limit, and not when the start has come") { stage in
        let start = stage.clock.now().wall
        let id = try await stage.collect("1", debounce: .seconds(10), atMost: .seconds(25)).id
        #expect(try await stage.runAt(id) == start + 10_000)
        stage.clock.advance(by: .seconds(9))
        try await stage.collect("2", debounce: .seconds(10), atMost: .seconds(25))
        #expect(try await stage.runAt(id) == start + 19_000)
        // Without a debounce of its own it moves nothing.
        try await stage.collect("3")
        #expect(try await stage.runAt(id) == start + 19_000)
        stage.clock.advance(by: .seconds(9))
        try await stage.collect("4", debounce: .seconds(10), atMost: .seconds(25))
        #expect(try await stage.runAt(id) == start + 25_000)
        try await stage.collect("5", debounce: .seconds(20))
        #expect(try await stage.runAt(id) == start + 25_000)
        #expect(try await stage.claim().isEmpty)
        stage.clock.advance(by: .milliseconds(6_999))
        #expect(try await stage.claim().isEmpty)
        stage.clock.advance(by: .milliseconds(1))
        // Its time has come, and nobody has claimed it yet.
        #expect(try await stage.collect("6", debounce: .seconds(10)) == Enqueued(id: id, outcome: .collected))
        #expect(texts(try await stage.claimOne()) == ["1", "2", "3", "4", "5", "6"])
        #expect(try await stage.collect("7", debounce: .seconds(10)).outcome == .added)
    },
    Scenario("a shorter debounce brings the start forward, and a smaller limit counts from the first event") { stage in
        let start = stage.clock.now().wall
        let id = try await stage.collect("1", debounce: .seconds(60)).id
        stage.clock.advance(by: .seconds(5))
        try await stage.collect("2", debounce: .seconds(1))
        #expect(try await stage.runAt(id) == start + 6_000)
        try await stage.collect("3", debounce: .seconds(20), atMost: .seconds(20))
        #expect(try await stage.runAt(id) == start + 20_000)
    },
    Scenario("an event that does not fit starts the next digest: number, bytes, content type, job name") { stage in
        func fits(_ event: Enqueued, _ first: Enqueued) -> Bool { event.id == first.id && event.outcome == .collected }
        let byCount = try await stage.collect("1", key: "count", maxEvents: 2)
        #expect(fits(try await stage.collect("2", key: "count", maxEvents: 2), byCount))
        let third = try await stage.collect("3", key: "count", maxEvents: 2)
        #expect(third.outcome == .added && third.id != byCount.id)
        #expect(fits(try await stage.collect("4", key: "count", maxEvents: 2), third))
        let byBytes = try await stage.collect("12345", key: "bytes", maxEventBytes: 10)
        #expect(fits(try await stage.collect("12345", key: "bytes", maxEventBytes: 10), byBytes))
        let large = try await stage.collect("a single event that is too large", key: "bytes", maxEventBytes: 10)
        #expect(large.outcome == .added)
        #expect(try await stage.collect("1", key: "bytes", maxEventBytes: 10).outcome == .added)
        try await stage.collect("{}", key: "type", contentType: ContentType.json)
        #expect(try await stage.collect("x", key: "type").outcome == .added)
        let one = try Headers(["job-name": "one", "x": "1"])
        let named = try await stage.collect("{}", key: "name", headers: one)
        #expect(fits(try await stage.collect("{}", key: "name", headers: try Headers(["job-name": "one"])), named))
        #expect(try await stage.collect("{}", key: "name", headers: try Headers(["job-name": "two"])).outcome == .added)
        #expect(try await stage.collect("{}", key: "name").outcome == .added)
        let all = try await stage.claim(20)
        #expect(
            all.map(texts) == [
                ["1", "2"], ["3", "4"], ["12345", "12345"], ["a single event that is too large"], ["1"], ["{}"], ["x"],
                ["{}", "{}"], ["{}"], ["{}"],
            ])
        // That of the first event.
        #expect(all[7].headers == one)
    },
    Scenario("a digest counts against the budget of a claim with all its events") { stage in
        let large = String(repeating: "x", count: 400)
        for key in ["a", "b"] {
            for _ in 1...3 { try await stage.collect(large, key: key) }
        }
        let exchange = try await stage.exchange(2, budget: ByteBudget(bytes: 2_000))
        #expect(exchange.jobs.map { $0.events?.count } == [3] && exchange.isCut)
        #expect(try await stage.exchange(2, budget: ByteBudget(bytes: 100)).jobs.map { $0.events?.count } == [3])
    },
    Scenario("replace puts payload, options and delay in place of a job that has not started; its id stays") { stage in
        let first = try await stage.replace("old")
        #expect(first.outcome == .added)
        stage.clock.advance(by: .seconds(1))
        let headers = try Headers(["a": "1"])
        #expect(
            try await stage.replace("new", delay: .seconds(5), priority: 7, headers: headers)
                == Enqueued(id: first.id, outcome: .replaced))
        let record = try #require(try await stage.store.job(first.id)?.record)
        #expect(record.state == .delayed && record.priority == 7 && record.headers == headers)
        #expect(record.enqueuedAtMilliseconds == stage.clock.now().wall)
        #expect(record.runAtMilliseconds == stage.clock.now().wall + 5_000)
        let waiting = try await stage.stats()
        #expect(waiting.delayed == 1 && waiting.ready == 0)
        #expect(try await stage.replace("newest").outcome == .replaced)
        let ready = try await stage.stats()
        #expect(ready.delayed == 0 && ready.ready == 1)
        let job = try await stage.claimOne()
        #expect(job.id == first.id && job.payload == Array("newest".utf8) && job.headers.isEmpty && job.attempt == 1)
        #expect(try await stage.claim().isEmpty)
    },
    Scenario("what replace finds claimed, claimed before, buried or a digest stays, and the key goes on to the new job")
    {
        stage in
        for outcome: Settlement.Outcome? in [
            nil, .fail(error: "e", retryAfter: .zero), .release(after: .zero), .bury(reason: "r"),
        ] {
            let first = try await stage.replace("old")
            let job = try await stage.claimOne()
            if let outcome { try await stage.settle(job.lease, outcome) }
            let second = try await stage.replace("new")
            #expect(second.outcome == .added && second.id > first.id)
            #expect(try await stage.store.job(first.id)?.payload == Array("old".utf8))
            #expect(try await stage.store.job(first.id)?.record.uniqueKey == nil)
            #expect(try await stage.store.job(second.id)?.record.uniqueKey == "k")
            #expect(try await stage.replace("newer") == Enqueued(id: second.id, outcome: .replaced))
            try await stage.store.delete(try await stage.store.list(JobFilter()).map(\.id))
        }
        let digest = try await stage.collect("event")
        #expect(try await stage.replace("other").outcome == .added)
        #expect(try await stage.events(digest.id) == ["event"])
        // And an event does not go into a job that is no digest.
        #expect(try await stage.collect("event 2").outcome == .added)
        #expect(try await stage.stats().ready == 3)
        // Which keeps the key from those that come.
        let kept = try await stage.store.enqueue([NewJob([], in: "q", options: JobOptions(uniqueKey: "k"))])[0]
        #expect(kept.isDuplicate)
    },
    Scenario("a key that went on is not freed by the ack of the job that had it") { stage in
        _ = try await stage.replace("old")
        let job = try await stage.claimOne()
        let second = try await stage.replace("new")
        try await stage.settle(job.lease, .ack)
        #expect(try await stage.replace("newer") == Enqueued(id: second.id, outcome: .replaced))
    },
    Scenario("a digest that was deleted, cancelled or pruned takes its events with it") { stage in
        for key in ["a", "b"] {
            for text in ["1", "2"] { try await stage.collect(text, key: key) }
        }
        let jobs = try await stage.store.list(JobFilter()).map(\.id)
        try await stage.store.delete([jobs[0]])
        try await stage.store.cancel([jobs[1]], reason: "by hand")
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        for text in ["3", "4"] { try await stage.collect(text) }
        let job = try await stage.claimOne()
        try await stage.settle(job.lease, .ack)
        #expect(try await stage.events(job.id) == ["3", "4"])
        #expect(try await stage.collect("5").outcome == .added)
        stage.clock.advance(by: .seconds(61))
        #expect(try await stage.reapAll().pruned == 1)
        #expect(try await stage.store.job(job.id) == nil)
        #expect(texts(try await stage.claimOne()) == ["5"])
    },
    Scenario("follow-up jobs collect and replace too, with the ack") { stage in
        let event = { (text: String) in
            try NewJob(
                Array(text.utf8), in: "q", options: JobOptions(uniqueKey: "k", onConflict: .collect))
        }
        _ = try await stage.enqueue("first")
        let job = try await stage.claimOne()
        let ack = Settlement(job.lease, .ack, followUps: [try event("a"), try event("b")])
        _ = try await stage.store.settle(ack)
        #expect(texts(try await stage.claimOne()) == ["a", "b"])
    },
    Scenario("a digest that is run now does not wait for its debounce, and still takes events") { stage in
        let id = try await stage.collect("1", debounce: .seconds(60)).id
        try await stage.store.runNow([id])
        #expect(try await stage.collect("2", debounce: .seconds(60)) == Enqueued(id: id, outcome: .collected))
        #expect(texts(try await stage.claimOne()) == ["1", "2"])
    },
]
