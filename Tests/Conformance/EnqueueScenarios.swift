import Foundation
import StintCore
import Testing

let enqueueScenarios: [Scenario] = [
    Scenario("a payload comes back exactly: all byte values, emoji, right-to-left, nothing at all") { stage in
        let payloads: [[UInt8]] = [
            Array(0...255), Array("👩‍👩‍👧‍👦 שלום مرحبا e\u{301}\u{0}".utf8), [], [0], Array(repeating: 0xFF, count: 70_000),
        ]
        for payload in payloads {
            _ = try await stage.store.enqueue([NewJob(payload, in: "q")])
            let job = try await stage.claimOne()
            #expect(job.payload == payload)
            #expect(try await stage.store.job(job.id)?.payload == payload)
            try await stage.settle(job.lease, .ack)
        }
    },
    Scenario("a job carries its options to the handler") { stage in
        var headers = Headers()
        try headers.set("Reply-To", to: "Zoë <zoë@example.org>: hi")
        let options = JobOptions(
            priority: 7, maxAttempts: 4, maxCrashes: 2, timeToRun: .seconds(9), headers: headers, uniqueKey: "k")
        let id = try await stage.enqueue("hello", options: options)
        let record = try #require(try await stage.store.job(id)?.record)
        #expect(record.maxAttempts == 4 && record.maxCrashes == 2 && record.uniqueKey == "k")
        #expect(record.timeToRun == .seconds(9) && record.payloadBytes == 5)
        let job = try await stage.claimOne()
        #expect(job.id == id && job.queue == "q" && job.attempt == 1 && job.maxAttempts == 4 && job.priority == 7)
        #expect(job.headers == headers && job.headers["reply-to"] == "Zoë <zoë@example.org>: hi")
        #expect(job.timeToRun == .seconds(9) && job.enqueuedAt == Date(stage.clock.now().wall))
        #expect(job.contentType == "text/plain; charset=utf-8")
    },
    Scenario("bytes that are not UTF-8 are not called text") { stage in
        _ = try await stage.store.enqueue([NewJob([0xFF, 0xFE], in: "q")])
        #expect(try await stage.claimOne().contentType == "application/octet-stream")
    },
    Scenario("many jobs get ids in their order, in their own queues") { stage in
        let jobs = try (0..<500).map { try NewJob(Array("\($0)".utf8), in: $0 % 2 == 0 ? "even" : "odd") }
        let ids = try await stage.store.enqueue(jobs).map(\.id)
        #expect(ids == ids.sorted() && Set(ids).count == 500)
        #expect(try await stage.stats("even").ready == 250)
        #expect(try await stage.stats("odd").ready == 250)
    },
    Scenario("a delayed job is ready when its time has come, and not a moment before") { stage in
        let id = try await stage.enqueue(options: JobOptions(delay: .milliseconds(1_500)))
        #expect(try await stage.state(id) == .delayed)
        #expect(
            try await stage.store.nextReady(in: ["q"]) == .after(.milliseconds(1_500)))
        stage.clock.advance(by: .milliseconds(1_499))
        #expect(try await stage.claim().isEmpty)
        stage.clock.advance(by: .milliseconds(1))
        #expect(try await stage.store.nextReady(in: ["q"]) == .now)
        #expect(try await stage.claim().map(\.id) == [id])
    },
    Scenario("a unique key holds until the job is done, also while it is leased, delayed or buried") { stage in
        let options = JobOptions(uniqueKey: "news-7")
        func again() async throws -> Enqueued {
            try await stage.store.enqueue([NewJob([1], in: "q", options: options)])[0]
        }
        let first = try await again()
        #expect(!first.isDuplicate)
        #expect(try await again() == Enqueued(id: first.id, isDuplicate: true))
        let job = try await stage.claimOne()
        #expect(try await again() == Enqueued(id: first.id, isDuplicate: true))
        try await stage.settle(job.lease, .fail(error: "e", retryAfter: .seconds(5)))
        #expect(try await again().id == first.id)
        stage.clock.advance(by: .seconds(5))
        try await stage.settle(try await stage.claimOne().lease, .bury(reason: "r"))
        #expect(try await again().id == first.id)
        try await stage.store.kick([first.id])
        try await stage.settle(try await stage.claimOne().lease, .ack)
        let second = try await again()
        #expect(!second.isDuplicate && second.id > first.id)
        try await stage.store.delete([second.id])
        #expect(try await !again().isDuplicate)
    },
    Scenario("a unique key counts in its queue only, and twice in one call is a duplicate too") { stage in
        let key = JobOptions(uniqueKey: "k")
        let jobs = [
            try NewJob([1], in: "a", options: key), try NewJob([2], in: "b", options: key),
            try NewJob([3], in: "a", options: key),
        ]
        let answers = try await stage.store.enqueue(jobs)
        #expect(answers.map(\.isDuplicate) == [false, false, true])
        #expect(answers[2].id == answers[0].id)
        #expect(try await stage.stats("a").ready == 1)
    },
    Scenario("an idempotency key finds for a day what it has added, whatever has become of that, and in its queue only")
    { stage in
        func put(_ key: String, in queue: QueueName = "q", unique: String? = nil) async throws -> Enqueued {
            let options = JobOptions(uniqueKey: unique, idempotencyKey: key)
            return try await stage.store.enqueue([NewJob([1], in: queue, options: options)])[0]
        }
        let first = try await put("order-1")
        #expect(first.outcome == .added)
        #expect(try await put("order-1") == Enqueued(id: first.id, outcome: .duplicate))
        try await stage.settle(try await stage.claimOne().lease, .ack)
        #expect(try await stage.store.job(first.id) == nil)
        #expect(try await put("order-1") == Enqueued(id: first.id, outcome: .duplicate))
        #expect(try await put("order-1", in: "other").outcome == .added)
        // Twice in one call.
        let twice = try (0..<2).map {
            try NewJob([$0], in: "q", options: JobOptions(idempotencyKey: "order-2"))
        }
        let answers = try await stage.store.enqueue(twice)
        #expect(answers.map(\.outcome) == [.added, .duplicate] && answers[0].id == answers[1].id)
        // What it has found in place of a new job, it finds again.
        let holder = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        #expect(try await put("order-3", unique: "k") == Enqueued(id: holder, outcome: .duplicate))
        try await stage.store.delete([holder])
        #expect(try await put("order-3", unique: "k") == Enqueued(id: holder, outcome: .duplicate))
        #expect(try await stage.stats("q").ready == 1)

        stage.clock.advance(by: .seconds(86_399))
        #expect(try await put("order-1") == Enqueued(id: first.id, outcome: .duplicate))
        stage.clock.advance(by: .seconds(1))
        let next = try await put("order-1")
        #expect(next.outcome == .added && next.id > first.id)
        #expect(try await put("order-1") == Enqueued(id: next.id, outcome: .duplicate))
    },
    Scenario("the first of a job's idempotency keys that is known answers, and those before it are known from then on")
    { stage in
        func put(_ keys: String...) async throws -> Enqueued {
            var options = JobOptions()
            options.idempotencyKeys = keys
            return try await stage.store.enqueue([NewJob([1], in: "q", options: options)])[0]
        }
        let first = try await put("token-1", "mail-1")
        #expect(first.outcome == .added)
        let same = Enqueued(id: first.id, outcome: .duplicate)
        #expect(try await put("token-2", "mail-1") == same)
        #expect(try await put("token-2", "mail-2") == same)
        #expect(try await put("token-1") == same)
        // What comes after a known one is not looked at.
        let second = try await put("mail-2", "mail-2")
        #expect(second.outcome == .added && second.id != first.id)
        #expect(try await put("token-3", "token-4", "mail-2", "mail-1") == Enqueued(id: second.id, outcome: .duplicate))
        #expect(try await put("token-4") == Enqueued(id: second.id, outcome: .duplicate))
        #expect(try await stage.stats("q").ready == 2)
        #expect(throws: StintError.self) {
            var options = JobOptions()
            options.idempotencyKeys = ["1", "2", "3", "4", "5"]
            _ = try NewJob([1], in: "q", options: options)
        }
    },
    Scenario("an event with an idempotency key is in its digest once") { stage in
        let options = JobOptions(uniqueKey: "k", onConflict: .collect, idempotencyKey: "event-2")
        _ = try await stage.enqueue("1", options: JobOptions(uniqueKey: "k", onConflict: .collect))
        let event = try NewJob(Array("2".utf8), in: "q", options: options)
        #expect(try await stage.store.enqueue([event])[0].outcome == .collected)
        #expect(try await stage.store.enqueue([event])[0].outcome == .duplicate)
        #expect(try await stage.claimOne().events?.count == 2)
    },
    Scenario("names and keys that Unicode takes for equal, and that have other bytes, are others") { stage in
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let names = [try QueueName(composed), try QueueName(decomposed)]
        // In one transaction, in turns: its caches must not confuse the two.
        let jobs = try [0, 1, 0, 1, 1].map { try NewJob([UInt8($0)], in: names[$0]) }
        _ = try await stage.store.enqueue(jobs)
        #expect(try await stage.stats(names[0]).ready == 2)
        #expect(try await stage.stats(names[1]).ready == 3)
        #expect(try await stage.claim(9, from: [names[1]]).map(\.payload) == [[1], [1], [1]])
        #expect(try await stage.claim(9, from: [names[1], names[0]]).map(\.queue) == [names[0], names[0]])
        let keyed = try [composed, decomposed, composed].map {
            try NewJob([2], in: "q", options: JobOptions(uniqueKey: $0))
        }
        let answers = try await stage.store.enqueue(keyed)
        #expect(answers.map(\.isDuplicate) == [false, false, true])
    },
    Scenario("a header's value comes back exactly, also where it begins with an accent or with blanks") { stage in
        let headers = try Headers(["a": "\u{301}x", "b": "  two", "c": ": \u{308}", "d": ""])
        let id = try await stage.enqueue(options: JobOptions(headers: headers))
        #expect(try await stage.claimOne().headers == headers)
        #expect(try await stage.store.job(id)?.record.headers == headers)
    },
    Scenario("a done job that is kept frees its unique key") { stage in
        try await stage.store.configure("q", QueueSettings(retention: .seconds(60)))
        let id = try await stage.enqueue(options: JobOptions(uniqueKey: "k"))
        try await stage.settle(try await stage.claimOne().lease, .ack)
        #expect(try await stage.state(id) == .done)
        #expect(try await stage.enqueue(options: JobOptions(uniqueKey: "k")) != id)
    },
    Scenario("ids and tokens are never used again, also when all jobs are gone") { stage in
        let first = try await stage.enqueue()
        let claimed = try await stage.claimOne()
        try await stage.settle(claimed.lease, .ack)
        let second = try await stage.enqueue()
        #expect(second > first)
        #expect(try await stage.claimOne().lease.token > claimed.lease.token)
    },
]
