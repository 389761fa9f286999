/// The webhooks of a store. Part of ``JobStore``; the same rules apply to its calls.
public protocol WebhookStore: Sendable {
    /// Adds a webhook, or replaces the one of this name if its contents differ. A new event tells of what happens from
    /// now on; an event that the one before had too goes on.
    ///
    /// - Parameter keepsSecret: Whether the secret of the one before stays.
    /// - Throws: `invalidInput` for more than ``Webhook/maximumCount``. Nothing was changed then.
    func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting

    /// All webhooks, by name.
    func webhooks() async throws -> [WebhookRecord]

    /// One webhook with its secret, or `nil`.
    ///
    /// - Throws: `invalidInput` if another program has made it invalid.
    func webhook(_ name: String) async throws -> Webhook?

    /// Deletes a webhook. Messages that were not sent yet are not sent any more.
    ///
    /// - Throws: `notFound`; nothing was changed then.
    func deleteWebhook(_ name: String) async throws

    /// Enqueues a message that a person asked for.
    ///
    /// - Throws: `notFound`; nothing was changed then.
    func testWebhook(_ name: String) async throws -> Enqueued

    /// Enqueues the messages that are due, each in the same transaction as the note of what it tells: so what happens is
    /// in one message, however many processes call this. If nothing is due it only reads.
    ///
    /// - Returns: How many.
    func notifyWebhooks() async throws -> Int

    /// Keeps what came of the latest attempt to send a message; does nothing if the webhook was deleted.
    func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws
}

extension StintError {
    /// No webhook has this name.
    public static func noWebhook(_ name: String) -> StintError {
        StintError(.notFound, "there is no webhook \(quoted(name)): it was deleted, or never set")
    }

    /// There are ``Webhook/maximumCount`` already.
    public static let tooManyWebhooks: StintError = .invalidInput(
        "there are \(Webhook.maximumCount) webhooks, the most that a store can have: delete one")
}
