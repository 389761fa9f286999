import ArgumentParser
import StintCore

struct ListWebhooksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the webhooks, with what came of their last messages.",
        discussion: """
            Of the addresses the path is left out, since it often is a secret.

            Example:
              stint webhook list
              stint webhook list --json | jq -r .name
            """)

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Print one JSON object a line.")
    var json = false

    func run() async throws {
        let webhooks = try await database.open(onlyReads: true).webhooks()
        var output = Output()
        if json {
            for webhook in webhooks { try output.line(try jsonLine(WebhookDocument(webhook))) }
        } else if webhooks.isEmpty {
            try output.line("no webhooks")
        } else {
            var table = Table(["name", "to", "events", "sent", "failed", "last"], rightAligned: [3, 4])
            for webhook in webhooks {
                table.add([
                    webhook.name, webhook.origin, webhook.events.joined(separator: " "), "\(webhook.delivered)",
                    "\(webhook.failed)", webhook.problem.map { "problem: \($0)" } ?? webhook.lastText,
                ])
            }
            try output.line(table.text)
        }
        try output.flush()
    }
}

extension WebhookRecord {
    /// What came of the last attempt.
    var lastText: String {
        guard let last = lastDelivery else { return "never" }
        return
            "\(localTime(last.atMilliseconds)), job \(last.job): \(last.error.map { oneLine($0, limit: 200) } ?? "taken")"
    }
}

/// A webhook as JSON, without its secret; times are milliseconds since 1970 UTC, as everywhere.
struct WebhookDocument: Encodable {
    private let name: String
    private let origin: String
    private let url: String?
    private let events: [String]
    private let template: String
    private let allowsPrivate: Bool
    private let problem: String?
    private let delivered: Int
    private let failed: Int
    private let lastDelivery: Delivery?

    private struct Delivery: Encodable {
        let job: Int64
        let at: Timestamp
        let status: Int?
        let error: String?
    }

    init(_ record: WebhookRecord, showsURL: Bool = false) {
        name = record.name
        origin = record.origin
        url = showsURL ? record.url : nil
        events = record.events
        template = record.template
        allowsPrivate = record.allowsPrivate
        problem = record.problem
        delivered = record.delivered
        failed = record.failed
        lastDelivery = record.lastDelivery.map {
            Delivery(job: $0.job.rawValue, at: $0.atMilliseconds, status: $0.status, error: $0.error)
        }
    }
}
