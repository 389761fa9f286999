extension JobQueue {
    /// Adds a webhook, or replaces the one of its name if the contents differ. Reapers enqueue its messages, and
    /// `stint serve` sends them.
    ///
    /// - Parameter keepsSecret: Whether the secret of the one before stays.
    @discardableResult
    public func set(_ webhook: Webhook, keepsSecret: Bool = true) async throws -> WebhookSetting {
        try await store.setWebhook(webhook, keepsSecret: keepsSecret)
    }

    /// All webhooks, by name.
    public func webhooks() async throws -> [WebhookRecord] { try await store.webhooks() }

    /// One webhook with its secret; `nil` if there is none of this name.
    public func webhook(named name: String) async throws -> Webhook? { try await store.webhook(name) }

    /// Deletes a webhook. Messages that were not sent yet are not sent any more.
    ///
    /// - Throws: ``StintError`` with the code `notFound`.
    public func deleteWebhook(_ name: String) async throws { try await store.deleteWebhook(name) }

    /// Enqueues a message to a webhook that says that it is a test.
    ///
    /// - Throws: ``StintError`` with the code `notFound`.
    @discardableResult
    public func testWebhook(_ name: String) async throws -> Enqueued { try await store.testWebhook(name) }
}
