/// A webhook in an export, with the names of `stint webhook show --json`. Its address is often a secret too.
package struct ExportedWebhook: Sendable, Hashable, Codable {
    package let name: String
    private let url: String
    private let events: [String]
    private let template: String
    private let allowsPrivate: Bool
    /// `whsec_` and Base64; `nil`: it was left out.
    package let secret: String?

    package init(_ record: WebhookRecord, secret: WebhookSecret?) {
        name = record.name
        url = record.url
        events = record.events
        template = record.template
        allowsPrivate = record.allowsPrivate
        self.secret = secret?.text
    }

    /// - Throws: ``StintError`` with the code `invalidInput`.
    package func webhook() throws -> Webhook {
        guard let template = Webhook.Template(rawValue: template) else {
            throw StintError.invalidInput("its template is \(quoted(template)): it must be json or slack")
        }
        return try Webhook(
            name, url: url, events: events, template: template, allowsPrivate: allowsPrivate,
            secret: try secret.map(WebhookSecret.init(_:)) ?? WebhookSecret())
    }
}
