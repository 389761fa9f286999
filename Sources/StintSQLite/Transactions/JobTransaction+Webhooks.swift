import StintCore

extension JobTransaction {
    private static let allWebhooks = "SELECT \(StoredWebhook.columns) FROM stint_webhooks ORDER BY name"
    static let webhookNamed = "SELECT \(StoredWebhook.columns) FROM stint_webhooks WHERE name = ?1"

    func webhooks() throws -> [WebhookRecord] {
        try statement(Self.allWebhooks).rows(read: StoredWebhook.init).map(\.record)
    }

    func stored(webhook name: String) throws -> StoredWebhook? {
        let select = try statement(Self.webhookNamed)
        select.bind(1, name)
        return try select.first(read: StoredWebhook.init)
    }

    func webhook(_ name: String) throws -> Webhook? {
        guard let stored = try stored(webhook: name) else { return nil }
        do {
            return try stored.webhook()
        } catch let error as StintError {
            throw StintError.invalidInput("the webhook \(quoted(name)) cannot be used: \(error)")
        }
    }

    // MARK: - Changing

    func setWebhook(_ new: Webhook, keepsSecret: Bool) throws -> WebhookSetting {
        guard let stored = try stored(webhook: new.name) else {
            let count = try statement("SELECT count(*) FROM stint_webhooks").first { $0.int(0) } ?? 0
            guard count < Webhook.maximumCount else { throw StintError.tooManyWebhooks }
            let insert = try statement(
                """
                INSERT INTO stint_webhooks (name, url, events, template, allow_private, secret)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                """)
            try bind(new, insert) { try insert.execute() }
            try prepareWebhookQueue()
            try begin(new, try self.stored(webhook: new.name)!.id, after: [])
            return .added
        }
        let known = try? stored.webhook()
        var new = new
        if keepsSecret, let known { new = new.with(known.secret) }
        guard new != known else { return .unchanged }
        let update = try statement(
            """
            UPDATE stint_webhooks SET url = ?2, events = ?3, template = ?4, allow_private = ?5, secret = ?6 WHERE name = ?1
            """)
        try bind(new, update) { try update.execute() }
        try begin(new, stored.id, after: known?.events ?? [])
        return .replaced
    }

    private func bind(_ webhook: Webhook, _ statement: Statement, run: () throws -> Void) throws {
        statement.bind(1, webhook.name)
        statement.bind(2, webhook.url.description)
        statement.bind(3, webhook.events.map(\.description).joined(separator: "\n"))
        statement.bind(4, webhook.template.rawValue)
        statement.bind(5, webhook.allowsPrivate ? 1 : 0)
        try webhook.secret.bytes.withUnsafeBytes { secret in
            statement.bind(6, uncopied: secret)
            try run()
        }
    }

    private func prepareWebhookQueue() throws {
        guard try knownQueueID(Webhook.queue) == nil else { return }
        try configure(Webhook.queue, Webhook.queueSettings)
    }

    /// New events count from now on.
    private func begin(_ webhook: Webhook, _ id: Int64, after known: [WebhookEvent]) throws {
        for event in known where !webhook.events.contains(event) {
            let delete = try statement("DELETE FROM stint_webhook_states WHERE webhook_id = ?1 AND event = ?2")
            delete.bind(1, id)
            delete.bind(2, event.description)
            try delete.execute()
        }
        let new = webhook.events.filter { $0.kind.isCounted && !known.contains($0) }
        guard !new.isEmpty else { return }
        let observed = try observedQueues(for: new)
        for event in new {
            for (queue, observation) in observed where observation.queue.map(event.includes) == true {
                let total = observation.total(of: event.kind)
                if total > 0 { try write(WebhookState(seen: total), of: id, event, queue) }
            }
        }
    }

    func deleteWebhook(_ name: String) throws {
        guard let stored = try stored(webhook: name) else { throw StintError.noWebhook(name) }
        try statement("DELETE FROM stint_webhooks WHERE id = ?1").execute(stored.id)
        try statement("DELETE FROM stint_webhook_states WHERE webhook_id = ?1").execute(stored.id)
    }

    func testWebhook(_ name: String) throws -> Enqueued {
        guard try stored(webhook: name) != nil else { throw StintError.noWebhook(name) }
        return try enqueue([try WebhookMessage(webhook: name, event: .test, at: now.wall).job()])[0]
    }

    func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) throws {
        let update = try statement(
            """
            UPDATE stint_webhooks SET last_job = ?2, last_at = ?3, last_status = ?4, last_error = ?5,
                delivered = max(0, min(delivered, 1 << 60)) + (?5 IS NULL), failed = max(0, min(failed, 1 << 60)) + (?5 IS NOT NULL)
            WHERE name = ?1
            """)
        update.bind(1, webhook)
        update.bind(2, delivery.job.rawValue)
        update.bind(3, delivery.atMilliseconds)
        update.bind(4, delivery.status.map(Int64.init))
        update.bind(5, delivery.error?.replacing("\0", with: "\u{FFFD}"))
        try update.execute()
    }

    // MARK: - A round

    /// Whether a round would write anything.
    ///
    /// - Parameter freeBytes: What is left of the disk; called if a webhook wants to know.
    func needsWebhookRound(freeBytes: () -> Int64?) throws -> Bool {
        var isNeeded = false
        try webhookRounds(freeBytes: freeBytes) { _, _, round, _ in isNeeded = isNeeded || !round.changes.isEmpty }
        return isNeeded
    }

    /// Enqueues the messages that are due, and notes what they tell.
    ///
    /// - Returns: How many.
    func notifyWebhooks(freeBytes: () -> Int64?) throws -> Int {
        var messages: [WebhookMessage] = []
        try webhookRounds(freeBytes: freeBytes) { webhook, event, round, ids in
            for change in round.changes {
                try write(change.state, of: webhook, event, change.queue.flatMap { ids[$0] } ?? 0)
            }
            messages += try round.messages.map { message in
                var message = message
                if event.kind.isCounted, let name = message.queue, let queue = ids[QueueName(stored: name)] {
                    message.samples = try samples(of: event.kind, in: queue, upTo: message.value ?? 0)
                }
                return message
            }
        }
        _ = try enqueue(try messages.map { try $0.job() })
        return messages.count
    }

    private func webhookRounds(
        freeBytes: () -> Int64?,
        _ body: (Int64, WebhookEvent, WebhookRound, [QueueName: Int64]) throws -> Void
    ) throws {
        let stored = try statement(Self.allWebhooks).rows(read: StoredWebhook.init)
        guard !stored.isEmpty else { return }
        // One that another program has made invalid is shown as such, and told nothing.
        let webhooks = stored.compactMap { row in (try? row.webhook()).map { (id: row.id, webhook: $0) } }
        let queues = try observedQueues(for: webhooks.flatMap(\.webhook.events))
        let ids = Dictionary(queues.compactMap { id, seen in seen.queue.map { ($0, id) } }) { first, _ in first }
        var database = WebhookObservation(queue: nil)
        if webhooks.contains(where: { $0.webhook.events.contains { $0.kind == .disk } }) {
            database.freeBytes = freeBytes()
        }
        for (id, webhook) in webhooks {
            let states = try states(of: id)
            for event in webhook.events {
                let known = states[event.description] ?? [:]
                let round = WebhookRound(
                    webhook.name, event, event.kind == .disk ? [database] : queues.map(\.observation), now: now.wall
                ) { name in known[name.flatMap { ids[$0] } ?? 0] }
                try body(id, event, round, ids)
            }
        }
    }

    private func states(of webhook: Int64) throws -> [String: [Int64: WebhookState]] {
        var states: [String: [Int64: WebhookState]] = [:]
        _ = try statement(
            "SELECT event, queue_id, seen, is_raised, notified_at FROM stint_webhook_states WHERE webhook_id = ?1"
        ).rows(webhook) { row in
            states[row.text(0), default: [:]][row.int(1)] = WebhookState(
                seen: max(0, row.int(2)), isRaised: row.int(3) != 0,
                notifiedAt: row.optionalInt(4).map(StoredSchedule.sane))
        }
        return states
    }

    private func write(_ state: WebhookState, of webhook: Int64, _ event: WebhookEvent, _ queue: Int64) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO stint_webhook_states (webhook_id, event, queue_id, seen, is_raised, notified_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """)
        insert.bind(1, webhook)
        insert.bind(2, event.description)
        insert.bind(3, queue)
        insert.bind(4, state.seen)
        insert.bind(5, state.isRaised ? 1 : 0)
        insert.bind(6, state.notifiedAt)
        try insert.execute()
    }

    // MARK: - What is known

    private static let observed = """
        SELECT q.id, q.name, q.ready, q.paused, q.pause_reason, q.activity, b.buried, b.crashed, b.lost
        FROM stint_queues q LEFT JOIN stint_buckets b ON b.seconds = 0 AND b.start = 0 AND b.queue_id = q.id
        """

    /// The queues that some of the events are about, by name.
    private func observedQueues(
        for events: [WebhookEvent]
    ) throws -> [(id: Int64, observation: WebhookObservation)] {
        let events = events.filter { $0.kind != .disk }
        guard !events.isEmpty else { return [] }
        let counts = events.contains { $0.kind.isCounted }
        let ages = events.filter { $0.kind == .age }
        func read(_ row: Statement.Row) -> (id: Int64, observation: WebhookObservation)? {
            let name = QueueName(stored: row.text(1))
            var observation = WebhookObservation(queue: name)
            observation.ready = row.int(2)
            observation.isPaused = row.int(3) != 0
            observation.pauseReason = row.optionalText(4)
            if counts {
                let latest = row.withUTF8(5, StoredActivity.counts)
                func total(_ column: Int32, _ count: Int) -> Int64 {
                    min(max(0, row.int(column)), Int64(1) << 52) + Int64(count)
                }
                observation.buried = total(6, latest.buried)
                observation.deaths = total(7, latest.crashed) + total(8, latest.lost)
            }
            return (row.int(0), observation)
        }
        var queues: [(id: Int64, observation: WebhookObservation)] = []
        if events.contains(where: { $0.queue == nil }) {
            queues = try statement("\(Self.observed) ORDER BY q.name").rows(read: read)
        } else {
            let select = try statement("\(Self.observed) WHERE q.name = ?1")
            for name in Set(events.compactMap(\.queue)).sorted() {
                select.bind(1, name.description)
                if let queue = try select.first(read: read) { queues.append(queue!) }
            }
        }
        guard !ages.isEmpty else { return queues }
        return try queues.map { id, observation in
            guard let name = observation.queue, ages.contains(where: { $0.includes(name) }) else {
                return (id, observation)
            }
            var observation = observation
            observation.oldestReady = try oldestReady(in: id)
            return (id, observation)
        }
    }

    /// How many of the latest burials or failures of the database are read to find samples.
    private static let rowsForSamples: Int64 = 1_000

    static let latestBurials = """
        SELECT f.job_id, b.buried_at, b.reason
        FROM (SELECT id, job_id FROM stint_failures ORDER BY id DESC LIMIT ?3) f
        JOIN stint_buried b ON b.job_id = f.job_id AND b.queue_id = ?1
        GROUP BY f.job_id ORDER BY max(f.id) DESC LIMIT ?2
        """
    /// Jobs that a person has buried have no failure.
    static let lastBuriedJobs = """
        SELECT job_id, buried_at, reason FROM stint_buried WHERE queue_id = ?1 ORDER BY burial DESC LIMIT ?2
        """
    static let latestDeathsOfQueue = """
        SELECT f.job_id, f.at, f.error
        FROM (SELECT id, job_id, at, error FROM stint_failures WHERE kind IN ('crashed', 'lost', 'expired')
              ORDER BY id DESC LIMIT ?3) f
        JOIN stint_jobs j ON j.id = f.job_id AND j.queue_id = ?1
        ORDER BY f.id DESC LIMIT ?2
        """

    private func samples(
        of kind: WebhookEvent.Kind, in queue: Int64, upTo count: Int64
    ) throws -> [WebhookMessage.Sample] {
        let limit = min(count, Int64(WebhookMessage.maximumSamples))
        func read(_ row: Statement.Row) -> WebhookMessage.Sample {
            WebhookMessage.Sample(job: JobID(rawValue: row.int(0)), at: row.int(1), reason: row.text(2))
        }
        if kind == .death {
            return try statement(Self.latestDeathsOfQueue).rows(queue, limit, Self.rowsForSamples, read: read)
        }
        var samples = try statement(Self.latestBurials).rows(queue, limit, Self.rowsForSamples, read: read)
        if samples.count < limit {
            let known = Set(samples.map(\.job))
            samples += try statement(Self.lastBuriedJobs).rows(queue, limit, read: read).filter {
                !known.contains($0.job)
            }
            samples = Array(samples.prefix(Int(limit)))
        }
        return samples
    }
}
