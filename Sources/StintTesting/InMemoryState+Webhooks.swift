import StintCore

extension InMemoryState {
    struct KeptWebhook: Sendable {
        var webhook: Webhook
        var delivered = 0
        var failed = 0
        var lastDelivery: WebhookDelivery?
        /// By the event's text and the queue.
        var states: [String: [QueueName?: WebhookState]] = [:]

        var record: WebhookRecord {
            WebhookRecord(webhook, delivered: delivered, failed: failed, lastDelivery: lastDelivery)
        }
    }

    mutating func setWebhook(_ new: Webhook, keepsSecret: Bool, _ now: StoreTime) throws -> WebhookSetting {
        let name = Array(new.name.utf8)
        guard var known = webhooks[name] else {
            guard webhooks.count < Webhook.maximumCount else { throw StintError.tooManyWebhooks }
            if queues[Webhook.queue] == nil { configure(Webhook.queue, Webhook.queueSettings) }
            var kept = KeptWebhook(webhook: new)
            begin(&kept, after: [], now)
            webhooks[name] = kept
            return .added
        }
        let new = keepsSecret ? new.with(known.webhook.secret) : new
        guard new != known.webhook else { return .unchanged }
        let before = known.webhook.events
        known.webhook = new
        begin(&known, after: before, now)
        webhooks[name] = known
        return .replaced
    }

    /// New events count from now on.
    private func begin(_ kept: inout KeptWebhook, after known: [WebhookEvent], _ now: StoreTime) {
        for event in known where !kept.webhook.events.contains(event) { kept.states[event.description] = nil }
        for event in kept.webhook.events where event.kind.isCounted && !known.contains(event) {
            for (name, queue) in queues where event.includes(name) {
                let seen = observation(of: name, queue, now).total(of: event.kind)
                kept.states[event.description, default: [:]][name] = WebhookState(seen: seen)
            }
        }
    }

    mutating func deleteWebhook(_ name: String) throws {
        guard webhooks.removeValue(forKey: Array(name.utf8)) != nil else { throw StintError.noWebhook(name) }
    }

    mutating func testWebhook(_ name: String, _ now: StoreTime) throws -> Enqueued {
        guard webhooks[Array(name.utf8)] != nil else { throw StintError.noWebhook(name) }
        return enqueue([try WebhookMessage(webhook: name, event: .test, at: now.wall).job()], now)[0]
    }

    mutating func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) {
        guard var kept = webhooks[Array(webhook.utf8)] else { return }
        if delivery.error == nil { kept.delivered += 1 } else { kept.failed += 1 }
        kept.lastDelivery = delivery
        webhooks[Array(webhook.utf8)] = kept
    }

    mutating func notifyWebhooks(_ now: StoreTime) throws -> Int {
        guard !webhooks.isEmpty else { return 0 }
        let observations = queues.map { observation(of: $0.key, $0.value, now) }
            .sorted { ($0.queue ?? Webhook.queue) < ($1.queue ?? Webhook.queue) }
        var messages: [WebhookMessage] = []
        for name in webhooks.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            for event in webhooks[name]!.webhook.events where event.kind != .disk {
                let known = webhooks[name]!.states[event.description] ?? [:]
                let round = WebhookRound(webhooks[name]!.webhook.name, event, observations, now: now.wall) { known[$0] }
                for change in round.changes {
                    webhooks[name]!.states[event.description, default: [:]][change.queue] = change.state
                }
                messages += round.messages.map { message in
                    var message = message
                    if event.kind.isCounted, let queue = message.queue {
                        message.samples = samples(of: event.kind, in: queue, upTo: message.value ?? 0)
                    }
                    return message
                }
            }
        }
        _ = enqueue(try messages.map { try $0.job() }, now)
        return messages.count
    }

    private func observation(of name: QueueName, _ queue: Queue, _ now: StoreTime) -> WebhookObservation {
        var observation = WebhookObservation(queue: name)
        observation.buried = Int64(queue.activity.total.buried)
        observation.deaths = Int64(queue.activity.total.crashed) + Int64(queue.activity.total.lost)
        observation.ready = Int64(jobs.values.count { $0.queue == name && $0.place.state == .ready })
        observation.oldestReady = oldestReady(in: name, now)
        (observation.isPaused, observation.pauseReason) = (queue.isPaused, queue.pauseReason)
        return observation
    }

    private func samples(
        of kind: WebhookEvent.Kind, in queue: String, upTo count: Int64
    ) -> [WebhookMessage.Sample] {
        let samples: [WebhookMessage.Sample]
        if kind == .death {
            let deaths: Set<JobFailure.Kind> = [.crashed, .lost, .expired]
            samples = failures.reversed().filter { job, failure in
                deaths.contains(failure.kind) && jobs[job]?.queue.description == queue
            }.map {
                WebhookMessage.Sample(job: $0.job, at: StoredTime.timestamp($0.failure.at), reason: $0.failure.error)
            }
        } else {
            samples = jobs.values.compactMap { job -> WebhookMessage.Sample? in
                guard job.queue.description == queue, case .buried(let at, let reason) = job.place else { return nil }
                return WebhookMessage.Sample(job: job.id, at: at, reason: reason)
            }.sorted { $0.at != $1.at ? $0.at > $1.at : $0.job > $1.job }
        }
        return Array(samples.prefix(min(WebhookMessage.maximumSamples, Int(clamping: count))))
    }
}
