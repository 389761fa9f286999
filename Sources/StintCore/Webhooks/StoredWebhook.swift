/// A webhook as stores keep it. Another program may have written it, so what it says is checked when it is used.
package struct StoredWebhook: Sendable {
    package let id: Int64
    package let name: String
    private let url: String
    private let events: [String]
    private let template: String
    private let allowsPrivate: Bool
    private let secret: [UInt8]
    private let delivered: Int64
    private let failed: Int64
    private let last: WebhookDelivery?

    package init(
        id: Int64, name: String, url: String, events: [String], template: String, allowsPrivate: Bool, secret: [UInt8],
        delivered: Int64, failed: Int64, last: WebhookDelivery?
    ) {
        self.id = id
        self.name = name
        self.url = url
        self.events = events
        self.template = template
        self.allowsPrivate = allowsPrivate
        self.secret = secret
        self.delivered = delivered
        self.failed = failed
        self.last = last
    }

    /// - Throws: ``StintError`` with the code `invalidInput`.
    package func webhook() throws -> Webhook {
        guard let template = Webhook.Template(rawValue: template) else {
            throw StintError.invalidInput("its template is \(quoted(template)): it must be json or slack")
        }
        guard let secret = WebhookSecret(stored: secret) else {
            throw StintError.invalidInput("its secret has \(secret.count) bytes: it must have 16 to 256")
        }
        return try Webhook(
            name, url: url, events: events, template: template, allowsPrivate: allowsPrivate, secret: secret)
    }

    package var record: WebhookRecord {
        var problem: String?
        do { _ = try webhook() } catch { problem = "\(error)" }
        return WebhookRecord(
            name: name, url: url, events: events, template: template, allowsPrivate: allowsPrivate, problem: problem,
            delivered: Int(clamping: max(0, delivered)), failed: Int(clamping: max(0, failed)), lastDelivery: last)
    }
}
