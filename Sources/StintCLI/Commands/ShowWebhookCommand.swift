import ArgumentParser
import StintCore

struct ShowWebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show everything about a webhook, with its whole address and without its secret.",
        discussion: """
            Example:
              stint webhook show ops
              stint webhook show ops --json
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The webhook's name.")
    var name: String
    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        let webhooks = try await database.open(onlyReads: true).webhooks()
        guard let webhook = webhooks.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
            throw StintError.noWebhook(name)
        }
        if json { return try Output.print(try jsonLine(WebhookDocument(webhook, showsURL: true))) }
        var rows = [("webhook", printable(webhook.name)), ("to", printable(webhook.url))]
        for (index, event) in webhook.events.enumerated() {
            rows.append((index == 0 ? "events" : "", printable(event)))
        }
        rows.append(("template", printable(webhook.template)))
        rows.append(("private", webhook.allowsPrivate ? "allowed" : "refused"))
        if let problem = webhook.problem { rows.append(("problem", printable(problem))) }
        rows.append(("sent", "\(webhook.delivered), and \(webhook.failed) attempts have failed"))
        rows.append(("last", webhook.lastText))
        try Output.print(ShowCommand.text(rows))
    }
}
