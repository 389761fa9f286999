import Hummingbird
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Route {
    static func webhooksPage(_ request: WebRequest) async throws -> Page {
        try await webhooksPage(request, secret: nil)
    }

    /// - Parameter secret: One that was made just now, and is shown this once.
    private static func webhooksPage(
        _ request: WebRequest, secret: (name: String, text: String)?
    ) async throws -> Page {
        let webhooks = try await request.dashboard.queue.webhooks().map { WebhookFacts($0, for: request.user) }
        let (now, base) = (Date(), request.dashboard.options.basePath)
        struct View {
            let base: String
            let webhooks: [WebhookRow]
            let hasWebhooks: Bool
            let canOperate: Bool
            let canSet: Bool
            let newName: String?
            let secret: String?
            let queueHref: String
        }
        return Page(
            title: "Webhooks", section: "webhooks", template: "webhooks",
            view: View(
                base: base, webhooks: webhooks.map { WebhookRow($0, base, now: now) }, hasWebhooks: !webhooks.isEmpty,
                canOperate: request.user.role >= .operate, canSet: request.user.role >= .admin, newName: secret?.name,
                secret: secret?.text, queueHref: "\(base)/queues/\(percentEncoded(Webhook.queue.description))"),
            facts: ["webhooks": webhooks], isLive: secret == nil, notice: Notices.text(request))
    }

    /// Answers with a page and does not redirect: a secret has no place in an address.
    static func addWebhook(_ request: WebRequest) async throws -> Response {
        let form = try await request.form()
        let name = try form.text("name")
        let template = try form.text("template")
        guard let template = Webhook.Template(rawValue: template) else {
            throw WebError(.badRequest, "there is no template \(quotedShort(template)); expected json or slack")
        }
        let events = try form.text("events").split(whereSeparator: \.isWhitespace).map(String.init)
        let (_, secret) = try await set(
            request, name, url: try form.text("url"), events: events, template: template, newSecret: false)
        let base = request.dashboard.options.basePath
        guard let secret else { return .redirect(to: "\(base)/webhooks?done=webhook-set", type: .normal) }
        var answer = request.html(try await webhooksPage(request, secret: (name, secret)))
        answer.headers[.cacheControl] = "no-store"
        return answer
    }

    static func changeWebhook(_ request: WebRequest, _ form: Form) async throws -> String {
        let job = try await request.dashboard.queue.testWebhook(request.parameter("name"))
        return "/jobs/\(job.id)?done=enqueued"
    }

    static func removeWebhook(_ request: WebRequest, _ form: Form) async throws -> String {
        try await request.dashboard.queue.deleteWebhook(request.parameter("name"))
        return "/webhooks?done=webhook-deleted"
    }
}

struct WebhookFacts: Encodable, Sendable {
    struct Delivery: Encodable, Sendable {
        let job: Int64
        let at: Date
        let status: Int?
        let error: String?
    }

    let name: String
    let origin: String
    /// The rest of an address often is a secret.
    let url: String?
    let events: [String]
    let template: String
    let allowsPrivate: Bool
    let problem: String?
    let delivered: Int
    let failed: Int
    let last: Delivery?
    /// Only of one that was made just now.
    var secret: String?

    init(_ record: WebhookRecord, for user: WebUser) {
        name = record.name
        origin = record.origin
        url = user.role >= .admin ? record.url : nil
        events = record.events
        template = record.template
        allowsPrivate = record.allowsPrivate
        problem = record.problem
        delivered = record.delivered
        failed = record.failed
        last = record.lastDelivery.map {
            Delivery(job: $0.job.rawValue, at: Date($0.atMilliseconds), status: $0.status, error: $0.error)
        }
    }
}

private struct WebhookRow {
    let name: String
    let origin: String
    let events: String
    let template: String
    let isPrivate: Bool
    let problem: String?
    let delivered: String
    let failed: String
    let last: TimeView?
    let lastHref: String?
    let lastError: String?
    let testAction: String
    let deleteAction: String

    init(_ facts: WebhookFacts, _ base: String, now: Date) {
        name = facts.name
        origin = facts.origin
        events = facts.events.joined(separator: ", ")
        template = facts.template
        isPrivate = facts.allowsPrivate
        problem = facts.problem
        delivered = Words.count(facts.delivered)
        failed = Words.count(facts.failed)
        last = TimeView(facts.last?.at, now: now)
        lastHref = facts.last.map { "\(base)/jobs/\($0.job)" }
        lastError = facts.last?.error
        testAction = "\(base)/webhooks/\(percentEncoded(facts.name))/test"
        deleteAction = "\(base)/webhooks/\(percentEncoded(facts.name))/delete"
    }
}
