import StintCore

extension InMemoryStore {
    public func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try verb { try $0.setWebhook(webhook, keepsSecret: keepsSecret, $1) }
    }

    public func webhooks() async throws -> [WebhookRecord] {
        try look { state in state.webhooks.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.value.record) }
    }

    public func webhook(_ name: String) async throws -> Webhook? {
        try look { $0.webhooks[Array(name.utf8)]?.webhook }
    }

    public func deleteWebhook(_ name: String) async throws {
        try verb { state, _ in try state.deleteWebhook(name) }
    }

    public func testWebhook(_ name: String) async throws -> Enqueued { try verb { try $0.testWebhook(name, $1) } }

    public func notifyWebhooks() async throws -> Int {
        // A reaper asks all the time, and who listens for changes need not hear of that.
        if try look({ $0.webhooks.isEmpty }) { return 0 }
        return try verb { try $0.notifyWebhooks($1) }
    }

    public func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try verb { state, _ in state.noteDelivery(delivery, of: webhook) }
    }
}
