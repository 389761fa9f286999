import StintCore

/// The verbs of a ``WebhookStore``: each is one transaction with the verb of the same name.
extension SQLiteStore {
    public func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try await write(diskFull: .refuse) { try $0.setWebhook(webhook, keepsSecret: keepsSecret) }
    }

    public func webhooks() async throws -> [WebhookRecord] { try await read { try $0.webhooks() } }

    public func webhook(_ name: String) async throws -> Webhook? { try await read { try $0.webhook(name) } }

    public func deleteWebhook(_ name: String) async throws {
        try await write(diskFull: .useReserve) { try $0.deleteWebhook(name) }
    }

    public func testWebhook(_ name: String) async throws -> Enqueued {
        try await write(diskFull: .useSpareReserve) { try $0.testWebhook(name) }
    }

    public func notifyWebhooks() async throws -> Int {
        let free = try freeBytes()
        guard try await look({ try $0.needsWebhookRound(freeBytes: free) }) else { return 0 }
        // What fills the disk is a reason to tell.
        return try await write(weight: Webhook.maximumCount, diskFull: .useSpareReserve) {
            try $0.notifyWebhooks(freeBytes: free)
        }
    }

    public func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try await write(diskFull: .useReserve) { try $0.noteDelivery(delivery, of: webhook) }
    }

    /// What is left of the disk under the database.
    func freeBytes() throws -> @Sendable () -> Int64? {
        let reserve = try open.transactions.reserve
        return { reserve.map { Int64($0.free) } }
    }
}
