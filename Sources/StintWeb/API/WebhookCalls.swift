import HTTPTypes
import Hummingbird
import StintCore

extension Route {
    static func listWebhooks(_ request: WebRequest) async throws -> Response {
        .json(["webhooks": try await request.dashboard.queue.webhooks().map { WebhookFacts($0, for: request.user) }])
    }

    static func setWebhook(_ request: WebRequest) async throws -> Response {
        let fields = try JSONFields(
            try await request.json(), known: ["url", "events", "template", "newSecret"])
        guard let url = try fields.text("url") else { throw fields.missing("url", "the receiver's address") }
        guard let list = try fields.list("events", atMost: WebhookEvent.maximumCount) else {
            throw fields.missing("events", "what the webhook is told of")
        }
        let events = try list.map { event in
            guard case .text(let text) = event.kind else {
                throw fields.wrong("events", event, "a list of texts, such as buried")
            }
            return text
        }
        let (setting, secret) = try await set(
            request, request.parameter("name"), url: url, events: events,
            template: try fields.choice("template", Webhook.Template.self) ?? .json,
            newSecret: try fields.bool("newSecret") ?? false)
        let record = try await request.dashboard.queue.webhooks().first { $0.name == request.parameter("name") }
        guard let record else { throw StintError.noWebhook(request.parameter("name")) }
        var facts = WebhookFacts(record, for: request.user)
        facts.secret = secret
        return .json(facts, status: setting == .added ? .created : .ok)
    }

    /// Only the command line allows private addresses: who may use this server need not be one who may reach them.
    ///
    /// - Returns: The secret if it is new.
    static func set(
        _ request: WebRequest, _ name: String, url: String, events: [String], template: Webhook.Template,
        newSecret: Bool
    ) async throws -> (WebhookSetting, secret: String?) {
        let webhook = try Webhook(name, url: url, events: events, template: template)
        let setting = try await request.dashboard.queue.set(webhook, keepsSecret: !newSecret)
        return (setting, setting == .added || newSecret ? webhook.secret.text : nil)
    }

    static func deleteWebhook(_ request: WebRequest) async throws -> Response {
        try await request.dashboard.queue.deleteWebhook(request.parameter("name"))
        return Response(status: .noContent)
    }

    static func testWebhook(_ request: WebRequest) async throws -> Response {
        try await request.noFields()
        return .json(
            EnqueuedFacts(try await request.dashboard.queue.testWebhook(request.parameter("name"))), status: .created)
    }
}
