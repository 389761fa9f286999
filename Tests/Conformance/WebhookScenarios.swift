import StintCore
import Testing

extension Stage {
    private func webhook(
        _ name: String = "w", _ events: [String] = ["buried"], url: String = "https://hooks.example.com/x"
    ) throws -> Webhook {
        try Webhook(name, url: url, events: events)
    }

    @discardableResult
    fileprivate func set(_ events: String..., name: String = "w") async throws -> WebhookSetting {
        try await store.setWebhook(webhook(name, events), keepsSecret: true)
    }

    /// The messages that wait to be sent, oldest first; they are taken out.
    fileprivate func messages() async throws -> [WebhookMessage] {
        var messages: [WebhookMessage] = []
        // Two at a time are given for each webhook.
        while let job = try await claim(from: [Webhook.queue]).first {
            messages.append(try WebhookMessage(payload: job.payload))
            try await settle(job.lease, .ack)
        }
        return messages
    }

    fileprivate func bury(_ count: Int, in queue: QueueName = "q") async throws {
        for _ in 0..<count { try await store.bury([try await enqueue(in: queue)], reason: "bad") }
    }
}

let webhookScenarios: [Scenario] = [
    Scenario("a webhook is added, replaced and deleted, and keeps its secret unless it gets a new one") { stage in
        let first = try Webhook("w", url: "https://a.example.com/", events: ["buried", "disk"])
        #expect(try await stage.store.setWebhook(first, keepsSecret: true) == .added)
        #expect(try await stage.store.webhook("w") == first)
        let same = try Webhook("w", url: "https://a.example.com/", events: ["disk", "buried", "buried"])
        #expect(try await stage.store.setWebhook(same, keepsSecret: true) == .unchanged)
        let other = try Webhook("w", url: "https://b.example.com/", events: ["buried"], template: .slack)
        #expect(try await stage.store.setWebhook(other, keepsSecret: true) == .replaced)
        #expect(try await stage.store.webhook("w") == other.with(first.secret))
        #expect(try await stage.store.setWebhook(other, keepsSecret: false) == .replaced)
        #expect(try await stage.store.webhook("w") == other)
        _ = try await stage.store.setWebhook(
            Webhook("a", url: "http://c.example.com", events: ["paused"]), keepsSecret: true)
        #expect(try await stage.store.webhooks().map(\.name) == ["a", "w"])
        try await stage.store.deleteWebhook("w")
        #expect(try await stage.store.webhook("w") == nil)
        for call in [stage.store.deleteWebhook, { _ = try await stage.store.testWebhook($0) }] {
            let error = await #expect(throws: StintError.self) { try await call("w") }
            #expect(error?.code == .notFound)
        }
    },
    Scenario("more webhooks than a store can have are refused") { stage in
        for number in 0..<Webhook.maximumCount { try await stage.set("buried", name: "w\(number)") }
        try await stage.expectRefusal(.invalidInput) { try await stage.set("buried", name: "one-more") }
    },
    Scenario("a burial is told once, with the job and the reason, whoever looks how often") { stage in
        try await stage.set("buried")
        try await stage.bury(1)
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 { group.addTask { try await stage.store.notifyWebhooks() } }
            return try await group.reduce(0, +)
        }
        #expect(made == 1)
        let messages = try await stage.messages()
        #expect(messages.map(\.value) == [1] && messages[0].queue == "q" && messages[0].event == .buried)
        #expect(messages[0].samples?.map(\.reason) == ["bad"] && messages[0].samples?.map(\.job) == [1])
        stage.clock.advance(by: .seconds(600))
        #expect(try await stage.store.notifyWebhooks() == 0)
    },
    Scenario("a flood of burials is one message with some samples, and one a minute later with the rest") { stage in
        try await stage.set("buried")
        try await stage.bury(300)
        #expect(try await stage.store.notifyWebhooks() == 1)
        try await stage.bury(200)
        #expect(try await stage.store.notifyWebhooks() == 0)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.notifyWebhooks() == 1)
        let messages = try await stage.messages()
        #expect(messages.map(\.value) == [300, 200])
        #expect(messages[0].samples?.count == WebhookMessage.maximumSamples)
        #expect(messages[0].since == nil && messages[1].since == messages[0].at)
    },
    Scenario("a new webhook is not told of what was before it, and a new event neither") { stage in
        try await stage.bury(3)
        try await stage.enqueue()
        let job = try await stage.claimOne()
        try await stage.settle(job.lease, .crash(error: "SIGSEGV", retryAfter: .seconds(60)))
        try await stage.set("buried")
        #expect(try await stage.store.notifyWebhooks() == 0)
        try await stage.set("buried", "death")
        #expect(try await stage.store.notifyWebhooks() == 0)
        try await stage.bury(1)
        #expect(try await stage.store.notifyWebhooks() == 1)
        #expect(try await stage.messages().map(\.value) == [1])
    },
    Scenario("a death is told with its error, and a failure is none") { stage in
        try await stage.set("death")
        for outcome: Settlement.Outcome in [
            .fail(error: "refused", retryAfter: .seconds(60)), .crash(error: "SIGSEGV", retryAfter: .seconds(60)),
        ] {
            try await stage.enqueue()
            try await stage.settle(try await stage.claimOne().lease, outcome)
        }
        #expect(try await stage.store.notifyWebhooks() == 1)
        let message = try #require(try await stage.messages().first)
        #expect(message.value == 1 && message.samples?.map(\.reason) == ["SIGSEGV"] && message.event == .death)
    },
    Scenario("a backlog and an age are told when they begin and when they are over, and so is a pause") { stage in
        try await stage.set("backlog:q>2", "age:q>10s", "paused")
        for _ in 0..<3 { try await stage.enqueue() }
        #expect(try await stage.store.notifyWebhooks() == 1)
        stage.clock.advance(by: .seconds(11))
        try await stage.store.configure("q", QueueSettings(paused: true, pauseReason: "the provider is down"))
        #expect(try await stage.store.notifyWebhooks() == 2)
        stage.clock.advance(by: .seconds(60))
        #expect(try await stage.store.notifyWebhooks() == 0)
        try await stage.store.configure("q", QueueSettings(paused: false))
        for job in try await stage.claim(3) { try await stage.settle(job.lease, .ack) }
        #expect(try await stage.store.notifyWebhooks() == 3)
        let messages = try await stage.messages()
        let told = messages.map {
            "\($0.event.rawValue) \($0.state?.rawValue ?? "?") \($0.value.map { "\($0)" } ?? "-")"
        }
        #expect(
            told == [
                "backlog raised 3", "age raised 11000", "paused raised -", "age resolved 0", "backlog resolved 0",
                "paused resolved -",
            ])
        #expect(messages[2].reason == "the provider is down")
        stage.clock.advance(by: .seconds(600))
        #expect(try await stage.store.notifyWebhooks() == 0)
    },
    Scenario("a webhook of one queue is told of no other, and none of the queue of webhooks") { stage in
        try await stage.set("buried:q")
        try await stage.set("buried", "backlog>1", name: "all")
        try await stage.bury(1, in: "other")
        try await stage.bury(2, in: Webhook.queue)
        #expect(try await stage.store.notifyWebhooks() == 1)
        let message = try #require(try await stage.messages().first)
        #expect(message.webhook == "all" && message.queue == "other")
        stage.clock.advance(by: .seconds(600))
        #expect(try await stage.store.notifyWebhooks() == 0)
    },
    Scenario("a test is a message, and what came of one is kept") { stage in
        try await stage.set("buried")
        let job = try await stage.store.testWebhook("w").id
        let message = try #require(try await stage.messages().first)
        #expect(message.event == .test && message.webhook == "w")
        try await stage.store.noteDelivery(
            WebhookDelivery(job: job, atMilliseconds: 5, status: 500, error: "no"), of: "w")
        let last = WebhookDelivery(job: job, atMilliseconds: 6, status: 204, error: nil)
        try await stage.store.noteDelivery(last, of: "w")
        try await stage.store.noteDelivery(last, of: "deleted")
        let record = try #require(try await stage.store.webhooks().first)
        #expect(record.delivered == 1 && record.failed == 1 && record.lastDelivery == last)
    },
    Scenario("an event that is taken away and set again knows nothing of what was told before") { stage in
        try await stage.set("backlog:q>2")
        for _ in 0..<3 { try await stage.enqueue() }
        #expect(try await stage.store.notifyWebhooks() == 1)
        try await stage.set("buried")
        for job in try await stage.claim(3) { try await stage.settle(job.lease, .ack) }
        stage.clock.advance(by: .seconds(60))
        try await stage.set("buried", "backlog:q>2")
        // Nobody was told by this one that there was a backlog.
        #expect(try await stage.store.notifyWebhooks() == 0)
        for _ in 0..<3 { try await stage.enqueue() }
        #expect(try await stage.store.notifyWebhooks() == 1)
    },
    Scenario("two messages of a webhook are sent at a time, and those of another one come between them") { stage in
        try await stage.set("buried", name: "slow")
        try await stage.set("buried", name: "other")
        for _ in 0..<5 { _ = try await stage.store.testWebhook("slow") }
        _ = try await stage.store.testWebhook("other")
        let first = try await stage.claim(9, from: [Webhook.queue])
        let names = try first.map { try WebhookMessage(payload: $0.payload).webhook }
        #expect(names.sorted() == ["other", "slow", "slow"])
        #expect(try await stage.claim(9, from: [Webhook.queue]).isEmpty)
        for job in first { try await stage.settle(job.lease, .ack) }
        #expect(try await stage.claim(9, from: [Webhook.queue]).count == 2)
    },
    Scenario("a message that could not be sent for a day is of no use any more") { stage in
        try await stage.set("buried")
        let id = try await stage.store.testWebhook("w").id
        stage.clock.advance(by: .seconds(86_399))
        #expect(try await stage.reap().expired == 0)
        stage.clock.advance(by: .seconds(1))
        #expect(try await stage.reap().expired == 1)
        #expect(try await stage.claim(from: [Webhook.queue]).isEmpty)
        #expect(try await stage.state(id) == .expired)
    },
    Scenario("a reap makes the messages too") { stage in
        try await stage.set("buried")
        try await stage.bury(1)
        #expect(try await stage.reapAll().notified == 1)
    },
]
