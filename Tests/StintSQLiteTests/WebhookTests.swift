import GRDB
import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintSQLite

@Suite("Webhooks in a file that other programs write too")
struct WebhookTests {
    private func withQueue(_ body: (JobQueue<SQLiteStore>, TestClock) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options(durability: .normal)
        options.clock = clock
        try await body(try await JobQueue(.sqlite(folder.database, options: options)), clock)
    }

    /// The messages that wait to be sent; they are taken out.
    private func messages(_ queue: JobQueue<SQLiteStore>) async throws -> [WebhookMessage] {
        var messages: [WebhookMessage] = []
        while let job = try await queue.claim(from: [Webhook.queue]).first {
            messages.append(try WebhookMessage(payload: job.payload))
            try await queue.store.settle(Settlement(job.lease, .ack))
        }
        return messages
    }

    private func webhook(_ name: String, _ events: String...) throws -> Webhook {
        try Webhook(name, url: "https://hooks.example.com/\(name)", events: events)
    }

    @Test(
        "one that another program has made invalid is told nothing and says why, and the others are told",
        arguments: [
            "url = 'ftp://x'", "url = 'http://127.0.0.1/'", "url = ''", "events = ''",
            "events = 'buried' || char(10) || 'x'",
            "template = 'xml'", "secret = x''", "secret = zeroblob(1000)", "name = 'two words'",
        ])
    func corrupted(sql: String) async throws {
        try await withQueue { queue, _ in
            for name in ["a", "b"] { try await queue.set(try webhook(name, "buried")) }
            try await queue.store.writer.run {
                try $0.execute(sql: "UPDATE stint_webhooks SET \(sql) WHERE name = 'b'")
            }
            try await queue.store.bury([try await queue.enqueue(payload: [1], in: "q").id], reason: "bad")
            #expect(try await queue.store.notifyWebhooks() == 1)
            let records = try await queue.webhooks()
            #expect(records.count == 2 && records[0].problem == nil && records[1].problem != nil)
            let error = await #expect(throws: StintError.self) { try await queue.webhook(named: records[1].name) }
            #expect(error?.code == .invalidInput)
            // It can be put right, and deleted.
            if records[1].name == "b" {
                #expect(try await queue.set(try webhook("b", "buried")) == .replaced)
                #expect(try await queue.webhooks()[1].problem == nil)
            }
            try await queue.deleteWebhook(records[1].name)
        }
    }

    @Test("states that another program has made absurd hold nobody up")
    func absurdStates() async throws {
        try await withQueue { queue, clock in
            try await queue.set(try webhook("a", "buried", "backlog>1"))
            for state in [
                "-9223372036854775808, 7, 9223372036854775807", "9223372036854775807, 0, -9223372036854775808",
            ] {
                try await queue.store.writer.run {
                    try $0.execute(
                        sql: """
                            INSERT OR REPLACE INTO stint_webhook_states (webhook_id, event, queue_id, seen, is_raised, notified_at)
                            SELECT 1, event.value, q.id, \(state)
                            FROM stint_queues q, (SELECT 'buried' AS value UNION ALL SELECT 'backlog>1' UNION ALL SELECT 'x') event
                            """)
                }
                try await queue.store.bury([try await queue.enqueue(payload: [1], in: "q").id], reason: "bad")
                _ = try await queue.store.notifyWebhooks()
                clock.advance(by: .seconds(60))
                try await queue.store.bury([try await queue.enqueue(payload: [1], in: "q").id], reason: "bad")
                #expect(try await queue.store.notifyWebhooks() >= 1)
            }
        }
    }

    @Test("100,000 burials in one minute are two messages, and looking again only reads")
    func flood() async throws {
        try await withQueue { queue, clock in
            try await queue.set(try webhook("a", "buried"))
            for _ in 0..<100 {
                let ids = try await queue.enqueue(jobs: (0..<1_000).map { _ in try NewJob([1], in: "q") }).map(\.id)
                try await queue.store.bury(ids, reason: "bad")
                clock.advance(by: .milliseconds(590))
                _ = try await queue.store.notifyWebhooks()
            }
            clock.advance(by: .seconds(60))
            _ = try await queue.store.notifyWebhooks()
            let messages = try await messages(queue)
            #expect(
                messages.count == 2 && messages.compactMap(\.value).reduce(0, +) == 100_000, "\(messages.map(\.value))")
            let before = try await queue.store.reader.run { try Int.fetchOne($0, sql: "PRAGMA data_version") }
            #expect(try await queue.store.notifyWebhooks() == 0)
            #expect(try await queue.store.reader.run { try Int.fetchOne($0, sql: "PRAGMA data_version") } == before)
        }
    }

    @Test("of a webhook that is deleted nothing is left in the file")
    func deleted() async throws {
        try await withQueue { queue, _ in
            try await queue.enqueue(payload: [1], in: "q")
            for name in ["a", "b"] { try await queue.set(try webhook(name, "buried", "backlog>1")) }
            try await queue.store.bury([try await queue.enqueue(payload: [1], in: "q").id], reason: "bad")
            #expect(try await queue.store.notifyWebhooks() == 2)
            func rows() async throws -> [Int64] {
                try await queue.store.reader.run {
                    try Int64.fetchAll($0, sql: "SELECT DISTINCT webhook_id FROM stint_webhook_states ORDER BY 1")
                }
            }
            #expect(try await rows() == [1, 2])
            try await queue.deleteWebhook("a")
            #expect(try await rows() == [2])
        }
    }

    @Test("the doctor names webhooks whose messages fail again and again or are buried, and messages that nobody sends")
    func doctor() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        func found() async throws -> [Finding] {
            try await queue.store.examine().filter { $0.subject == "webhooks" }
        }
        #expect(try await found().isEmpty)
        for name in ["good", "bad", "gone"] { try await queue.set(try webhook(name, "buried")) }
        #expect(try await found().map(\.description) == ["3, and none of them fails"])
        func attempt(_ name: String, _ outcome: Settlement.Outcome, _ error: String?) async throws {
            let job = try #require(try await queue.claim(from: [Webhook.queue]).first)
            try await queue.store.settle(Settlement(job.lease, outcome))
            try await queue.store.noteDelivery(
                WebhookDelivery(job: job.id, atMilliseconds: 1, status: nil, error: error), of: name)
        }
        let later = Settlement.Outcome.fail(error: "no answer", retryAfter: .seconds(3_600))
        _ = try await queue.testWebhook("good")
        try await attempt("good", .ack, nil)
        let id = try await queue.testWebhook("bad").id
        try await attempt("bad", later, "no answer")
        try await queue.runNow([id])
        try await attempt("bad", later, "no answer")
        #expect(try await found().map(\.isGood) == [true])
        try await queue.runNow([id])
        try await attempt("bad", later, "no answer")
        _ = try await queue.testWebhook("gone")
        try await attempt("gone", .bury(reason: "410"), "the receiver has answered 410")
        let wrong = try await found()
        #expect(wrong.map(\.isGood) == [false, false])
        #expect(
            wrong.map(\.description) == [
                "messages of 'bad' do not reach https://hooks.example.com: 1 have failed 3 times or more and are tried "
                    + "again; the last answer: no answer",
                "messages of 'gone' do not reach https://hooks.example.com: 1 are buried: `stint kick --queue stint.webhooks` "
                    + "sends them again; the last answer: the receiver has answered 410",
            ])
        for name in ["bad", "gone"] { try await queue.deleteWebhook(name) }
        #expect(try await found().map(\.isGood) == [true])
        // A message that has waited for ten minutes.
        _ = try await queue.testWebhook("good")
        let database = try DatabaseQueue(path: folder.database)
        try await database.write {
            try $0.execute(sql: "UPDATE stint_jobs SET enqueued_at = enqueued_at - 600000")
        }
        #expect(try await found().map(\.isGood) == [false])
        #expect(
            try await found()[0].description
                == "a message has waited for 10 minutes: nothing sends it; start `stint serve`, or a WebhookSender in your "
                + "service")
        try await queue.pause(Webhook.queue)
        #expect(try await found().map(\.isGood) == [true])
        try await database.write { try $0.execute(sql: "UPDATE stint_webhooks SET template = 'xml'") }
        #expect(try await found().map(\.isGood) == [false, true])
        #expect(try await found()[0].description.hasPrefix("'good' is told nothing: its template is 'xml'"))
    }

    @Test("little space on the disk is told, and more of it")
    func disk() async throws {
        try await withQueue { queue, clock in
            try await queue.set(try webhook("a", "disk<1TiB", "buried"))
            func round(_ free: Int64?) async throws -> [String] {
                _ = try await queue.store.write { try $0.notifyWebhooks(freeBytes: { free }) }
                clock.advance(by: .seconds(61))
                return try await messages(queue).map { "\($0.state?.rawValue ?? "") \(($0.value ?? 0) >> 40)" }
            }
            #expect(try await round(2 << 40) == [])
            #expect(try await round(nil) == [])
            #expect(try await round(1 << 30) == ["raised 0"])
            #expect(try await round((1 << 40) + 1) == [])
            #expect(try await round(2 << 40) == ["resolved 2"])
        }
    }

    @Test("the real disk is looked at")
    func realDisk() async throws {
        try await withQueue { queue, _ in
            try await queue.set(try webhook("a", "disk<500000TiB"))
            #expect(try await queue.store.notifyWebhooks() == 1)
        }
    }

    @Test("without a webhook a look reads one empty table")
    func idle() async throws {
        try await withQueue { queue, _ in
            try await queue.enqueue(payload: [1], in: "q")
            let isNeeded = try await queue.store.look { transaction in
                try transaction.needsWebhookRound {
                    Issue.record("the disk was looked at")
                    return nil
                }
            }
            #expect(!isNeeded)
        }
    }
}
