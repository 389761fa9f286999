import StintCore

/// A row of `stint_webhooks`. Another program may have written it, so what it says is checked when it is used.
struct StoredWebhook {
    let id: Int64
    let name: String
    private let url: String
    private let events: [String]
    private let template: String
    private let allowsPrivate: Bool
    private let secret: [UInt8]
    private let delivered: Int64
    private let failed: Int64
    private let last: WebhookDelivery?

    static let columns = """
        id, name, url, events, template, allow_private, secret, delivered, failed, last_job, last_at, last_status, last_error
        """

    /// Reads a row with ``columns``.
    init(_ row: Statement.Row) {
        id = row.int(0)
        name = row.text(1)
        url = row.text(2)
        events = row.text(3).split(separator: "\n").map(String.init)
        template = row.text(4)
        allowsPrivate = row.int(5) != 0
        secret = row.bytes(6)
        delivered = row.int(7)
        failed = row.int(8)
        last = row.optionalInt(9).map {
            WebhookDelivery(
                job: JobID(rawValue: $0), atMilliseconds: row.int(10),
                status: row.optionalInt(11).map { Int(clamping: $0) }, error: row.optionalText(12))
        }
    }

    /// - Throws: ``StintError`` with the code `invalidInput`.
    func webhook() throws -> Webhook {
        guard let template = Webhook.Template(rawValue: template) else {
            throw StintError.invalidInput("its template is \(quoted(template)): it must be json or slack")
        }
        guard let secret = WebhookSecret(stored: secret) else {
            throw StintError.invalidInput("its secret has \(secret.count) bytes: it must have 16 to 256")
        }
        return try Webhook(
            name, url: url, events: events, template: template, allowsPrivate: allowsPrivate, secret: secret)
    }

    var record: WebhookRecord {
        var problem: String?
        do { _ = try webhook() } catch { problem = "\(error)" }
        return WebhookRecord(
            name: name, url: url, events: events, template: template, allowsPrivate: allowsPrivate, problem: problem,
            delivered: Int(clamping: max(0, delivered)), failed: Int(clamping: max(0, failed)), lastDelivery: last)
    }
}
