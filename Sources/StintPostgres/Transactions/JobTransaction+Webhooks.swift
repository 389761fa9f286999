import StintCore

extension JobTransaction {
    private static let allWebhooks = "SELECT \(StoredWebhook.columns) FROM stint.webhooks ORDER BY name"
    /// Whoever adds a webhook or makes a round holds this lock until the commit: each event is in exactly one message. No
    /// queue has this number.
    private static let webhooksLock: Int64 = -3

    func webhooks() async throws -> [WebhookRecord] {
        try await run(Self.allWebhooks).map { try StoredWebhook($0).record }
    }

    private func stored(webhook name: String) async throws -> StoredWebhook? {
        try await run("SELECT \(StoredWebhook.columns) FROM stint.webhooks WHERE name = $1", .text(name))
            .first.map { try StoredWebhook($0) }
    }

    func webhook(_ name: String) async throws -> Webhook? {
        guard let stored = try await stored(webhook: name) else { return nil }
        do {
            return try stored.webhook()
        } catch let error as StintError {
            throw StintError.invalidInput("the webhook \(quoted(name)) cannot be used: \(error)")
        }
    }

    // MARK: - Changing

    func setWebhook(_ new: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try await lock([Self.webhooksLock], exclusively: true)
        guard let stored = try await stored(webhook: new.name) else {
            let count = try await run("SELECT count(*) FROM stint.webhooks").first?.int(0) ?? 0
            guard count < Webhook.maximumCount else { throw StintError.tooManyWebhooks }
            let id = try await run([
                PostgresStatement(
                    """
                    INSERT INTO stint.webhooks (name, url, events, template, allow_private, secret)
                    VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
                    """, Self.columns(new))
            ])[0].first?.int(0)
            if try await knownQueueID(Webhook.queue) == nil {
                try await configure(Webhook.queue, Webhook.queueSettings)
            }
            try await begin(new, id ?? 0, after: [])
            return .added
        }
        let known = try? stored.webhook()
        var new = new
        if keepsSecret, let known { new = new.with(known.secret) }
        guard new != known else { return .unchanged }
        _ = try await run([
            PostgresStatement(
                """
                UPDATE stint.webhooks SET url = $2, events = $3, template = $4, allow_private = $5, secret = $6 WHERE name = $1
                """, Self.columns(new))
        ])
        try await begin(new, stored.id, after: known?.events ?? [])
        return .replaced
    }

    private static func columns(_ webhook: Webhook) -> [PostgresValue] {
        [
            .text(webhook.name), .text(webhook.url.description),
            .text(webhook.events.map(\.description).joined(separator: "\n")), .text(webhook.template.rawValue),
            .bool(webhook.allowsPrivate), .bytes(webhook.secret.bytes),
        ]
    }

    /// New events count from now on.
    private func begin(_ webhook: Webhook, _ id: Int64, after known: [WebhookEvent]) async throws {
        let gone = known.filter { !webhook.events.contains($0) }.map(\.description)
        try await run(
            "DELETE FROM stint.webhook_states WHERE webhook_id = $1 AND event = ANY ($2)", .int(id), .texts(gone))
        let new = webhook.events.filter { $0.kind.isCounted && !known.contains($0) }
        guard !new.isEmpty else { return }
        let observed = try await observedQueues(for: new)
        for event in new {
            for (queue, observation) in observed where observation.queue.map(event.includes) == true {
                let total = observation.total(of: event.kind)
                if total > 0 { try await write(WebhookState(seen: total), of: id, event, queue) }
            }
        }
    }

    func deleteWebhook(_ name: String) async throws {
        try await lock([Self.webhooksLock], exclusively: true)
        guard let stored = try await stored(webhook: name) else { throw StintError.noWebhook(name) }
        _ = try await run([
            PostgresStatement("DELETE FROM stint.webhooks WHERE id = $1", [.int(stored.id)]),
            PostgresStatement("DELETE FROM stint.webhook_states WHERE webhook_id = $1", [.int(stored.id)]),
        ])
    }

    func testWebhook(_ name: String) async throws -> Enqueued {
        try await refuseWhileMoved()
        guard try await stored(webhook: name) != nil else { throw StintError.noWebhook(name) }
        return try await enqueue([try WebhookMessage(webhook: name, event: .test, at: now.wall).job()])[0]
    }

    func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try await run(
            """
            UPDATE stint.webhooks SET last_job = $2, last_at = $3, last_status = $4, last_error = $5,
                delivered = delivered + ($5::text IS NULL)::integer, failed = failed + ($5::text IS NOT NULL)::integer
            WHERE name = $1
            """, .text(webhook), .int(delivery.job.rawValue), .int(delivery.atMilliseconds),
            .int32(delivery.status.map { Int32(clamping: $0) }), .text(delivery.error?.storable))
    }

    // MARK: - A round

    /// What one webhook is told of one event.
    private struct Round {
        let webhook: Int64
        let event: WebhookEvent
        let round: WebhookRound
    }

    /// Whether a round would write anything.
    func needsWebhookRound() async throws -> Bool {
        try await webhookRounds().rounds.contains { !$0.round.changes.isEmpty }
    }

    /// Enqueues the messages that are due, and notes what they tell.
    ///
    /// - Returns: How many.
    func notifyWebhooks() async throws -> Int {
        try await lock([Self.webhooksLock], exclusively: true)
        let (rounds, ids) = try await webhookRounds()
        var messages: [WebhookMessage] = []
        for part in rounds {
            for change in part.round.changes {
                try await write(
                    change.state, of: part.webhook, part.event, change.queue.flatMap { ids[$0] } ?? 0)
            }
            for var message in part.round.messages {
                if part.event.kind.isCounted, let name = message.queue, let queue = ids[QueueName(stored: name)] {
                    message.samples = try await samples(of: part.event.kind, in: queue, upTo: message.value ?? 0)
                }
                messages.append(message)
            }
        }
        _ = try await enqueue(try messages.map { try $0.job() })
        return messages.count
    }

    /// - Returns: The rounds, and the ids of the queues that they are about.
    private func webhookRounds() async throws -> (rounds: [Round], queues: [QueueName: Int64]) {
        let stored = try await run(Self.allWebhooks).map { try StoredWebhook($0) }
        guard !stored.isEmpty else { return ([], [:]) }
        // One that another program has made invalid is shown as such, and told nothing.
        let webhooks = stored.compactMap { row in (try? row.webhook()).map { (id: row.id, webhook: $0) } }
        let queues = try await observedQueues(for: webhooks.flatMap(\.webhook.events))
        let ids = Dictionary(queues.compactMap { id, seen in seen.queue.map { ($0, id) } }) { first, _ in first }
        var rounds: [Round] = []
        for (id, webhook) in webhooks {
            let states = try await states(of: id)
            // A client does not see what is left of the server's disk, so of that nothing is known.
            for event in webhook.events {
                let known = states[event.description] ?? [:]
                let round = WebhookRound(
                    webhook.name, event,
                    event.kind == .disk ? [WebhookObservation(queue: nil)] : queues.map(\.observation), now: now.wall
                ) { name in known[name.flatMap { ids[$0] } ?? 0] }
                rounds.append(Round(webhook: id, event: event, round: round))
            }
        }
        return (rounds, ids)
    }

    private func states(of webhook: Int64) async throws -> [String: [Int64: WebhookState]] {
        var states: [String: [Int64: WebhookState]] = [:]
        let rows = try await run(
            "SELECT event, queue_id, seen, is_raised, notified_at FROM stint.webhook_states WHERE webhook_id = $1",
            .int(webhook))
        for row in rows {
            states[try row.text(0), default: [:]][try row.int(1)] = WebhookState(
                seen: max(0, try row.int(2)), isRaised: try row.bool(3),
                notifiedAt: try row.optionalInt(4).map(StoredSchedule.sane))
        }
        return states
    }

    private func write(_ state: WebhookState, of webhook: Int64, _ event: WebhookEvent, _ queue: Int64) async throws {
        try await run(
            """
            INSERT INTO stint.webhook_states (webhook_id, event, queue_id, seen, is_raised, notified_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (webhook_id, event, queue_id) DO UPDATE SET
                seen = excluded.seen, is_raised = excluded.is_raised, notified_at = excluded.notified_at
            """, .int(webhook), .text(event.description), .int(queue), .int(state.seen), .bool(state.isRaised),
            .int(state.notifiedAt))
    }

    // MARK: - What is known

    /// The queues that some of the events are about, by name.
    private func observedQueues(
        for events: [WebhookEvent]
    ) async throws -> [(id: Int64, observation: WebhookObservation)] {
        let events = events.filter { $0.kind != .disk }
        guard !events.isEmpty else { return [] }
        let all = events.contains { $0.queue == nil }
        let rows = try await run(
            """
            SELECT q.id, q.name, q.paused, q.pause_reason, coalesce(sum(t.ready), 0)::bigint,
                   coalesce(sum(t.burials), 0)::bigint, coalesce(sum(t.crashed + t.lost), 0)::bigint
            FROM stint.queues q LEFT JOIN stint.tallies t ON t.queue_id = q.id
            WHERE $1::text[] IS NULL OR q.name = ANY ($1)
            GROUP BY q.id ORDER BY q.name
            """, all ? .null : .texts(Set(events.compactMap(\.queue)).map(\.description)))
        var queues: [(id: Int64, observation: WebhookObservation)] = []
        for row in rows {
            var observation = WebhookObservation(queue: QueueName(stored: try row.text(1)))
            observation.isPaused = try row.bool(2)
            observation.pauseReason = try row.optionalText(3)
            observation.ready = try row.int(4)
            observation.buried = max(0, try row.int(5))
            observation.deaths = max(0, try row.int(6))
            queues.append((try row.int(0), observation))
        }
        let ages = events.filter { $0.kind == .age }
        let aged = queues.filter { _, seen in
            seen.queue.map { name in ages.contains { $0.includes(name) } } ?? false
        }.map(\.id)
        let oldest = try await oldestReady(in: aged)
        for index in queues.indices { queues[index].observation.oldestReady = oldest[queues[index].id] }
        return queues
    }

    /// How many of the latest burials or failures of the database are read to find samples.
    private static let rowsForSamples: Int64 = 1_000

    private static let latestBurials = """
        SELECT f.job_id, b.buried_at, b.reason
        FROM (SELECT job_id, max(id) AS id FROM (
                  SELECT id, job_id FROM stint.failures ORDER BY id DESC LIMIT $3::bigint) l GROUP BY job_id) f
        JOIN stint.buried b ON b.job_id = f.job_id AND b.queue_id = $1
        ORDER BY f.id DESC LIMIT $2::bigint
        """
    /// Jobs that a person has buried have no failure.
    private static let lastBuriedJobs = """
        SELECT job_id, buried_at, reason FROM stint.buried WHERE queue_id = $1 ORDER BY burial DESC LIMIT $2::bigint
        """
    private static let latestDeathsOfQueue = """
        SELECT f.job_id, f.at, f.error
        FROM (SELECT id, job_id, at, error FROM stint.failures WHERE kind IN ('crashed', 'lost', 'expired')
              ORDER BY id DESC LIMIT $3::bigint) f
        JOIN stint.jobs j ON j.id = f.job_id AND j.queue_id = $1
        ORDER BY f.id DESC LIMIT $2::bigint
        """

    private func samples(
        of kind: WebhookEvent.Kind, in queue: Int64, upTo count: Int64
    ) async throws -> [WebhookMessage.Sample] {
        let limit = min(count, Int64(WebhookMessage.maximumSamples))
        func read(_ sql: String, _ more: PostgresValue...) async throws -> [WebhookMessage.Sample] {
            try await run([PostgresStatement(sql, [.int(queue), .int(limit)] + more)])[0].map { row in
                WebhookMessage.Sample(
                    job: JobID(rawValue: try row.int(0)), at: try row.int(1), reason: try row.text(2))
            }
        }
        if kind == .death { return try await read(Self.latestDeathsOfQueue, .int(Self.rowsForSamples)) }
        var samples = try await read(Self.latestBurials, .int(Self.rowsForSamples))
        if samples.count < limit {
            let known = Set(samples.map(\.job))
            samples += try await read(Self.lastBuriedJobs).filter { !known.contains($0.job) }
            samples = Array(samples.prefix(Int(limit)))
        }
        return samples
    }
}

extension StoredWebhook {
    fileprivate static let columns = """
        id, name, url, events, template, allow_private, secret, delivered, failed, last_job, last_at, last_status, last_error
        """

    /// Reads a row with ``columns``.
    fileprivate init(_ row: PostgresRow) throws {
        var last: WebhookDelivery?
        if let job = try row.optionalInt(9) {
            last = WebhookDelivery(
                job: JobID(rawValue: job), atMilliseconds: try row.optionalInt(10) ?? 0,
                status: try row.optionalInt(11).map { Int(clamping: $0) }, error: try row.optionalText(12))
        }
        self.init(
            id: try row.int(0), name: try row.text(1), url: try row.text(2),
            events: try row.text(3).split(separator: "\n").map(String.init), template: try row.text(4),
            allowsPrivate: try row.bool(5), secret: try row.bytes(6), delivered: try row.int(7),
            failed: try row.int(8), last: last)
    }
}
