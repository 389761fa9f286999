import StintCore

/// The verbs of a `WebhookStore`: each is one transaction with the verb of the same name.
extension PostgresStore {
    package func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try await change { try await $0.setWebhook(webhook, keepsSecret: keepsSecret) }
    }

    package func webhooks() async throws -> [WebhookRecord] { try await read { try await $0.webhooks() } }

    package func webhook(_ name: String) async throws -> Webhook? { try await read { try await $0.webhook(name) } }

    package func deleteWebhook(_ name: String) async throws { try await change { try await $0.deleteWebhook(name) } }

    package func testWebhook(_ name: String) async throws -> Enqueued {
        try await change { try await $0.testWebhook(name) }
    }

    package func notifyWebhooks() async throws -> Int {
        guard try await read({ try await $0.needsWebhookRound() }) else { return 0 }
        return try await change { try await $0.notifyWebhooks() }
    }

    package func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try await change { try await $0.noteDelivery(delivery, of: webhook) }
    }
}
