import StintCore

/// The verbs of a `WebhookStore`: each is one transaction with the verb of the same name.
extension PostgresStore {
    public func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try await change { try await $0.setWebhook(webhook, keepsSecret: keepsSecret) }
    }

    public func webhooks() async throws -> [WebhookRecord] { try await read { try await $0.webhooks() } }

    public func webhook(_ name: String) async throws -> Webhook? { try await read { try await $0.webhook(name) } }

    public func deleteWebhook(_ name: String) async throws { try await change { try await $0.deleteWebhook(name) } }

    public func testWebhook(_ name: String) async throws -> Enqueued {
        try await change { try await $0.testWebhook(name) }
    }

    public func notifyWebhooks() async throws -> Int {
        guard try await read({ try await $0.needsWebhookRound() }) else { return 0 }
        return try await change { try await $0.notifyWebhooks() }
    }

    public func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try await change { try await $0.noteDelivery(delivery, of: webhook) }
    }
}
