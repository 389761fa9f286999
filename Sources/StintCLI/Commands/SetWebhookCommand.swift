import ArgumentParser
import StintCore

struct SetWebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Add a webhook, or replace the one of this name.",
        discussion: """
            The events are buried, death and paused, each of all queues or of one (buried:mail); backlog:mail>10000, \
            when more jobs than that are ready; age:mail>10m, when one has been ready for longer; and disk, when less \
            than 1 GiB of the disk is free, or disk<5GiB. backlog>10000 and age>10m are about each queue.

            Of a limit the webhook is told when it is exceeded, and when that is over by a tenth. There is at most one \
            message a minute for an event and a queue; it says how often something has happened meanwhile.

            A new webhook gets a secret, which is printed this once: with it the receiver checks that requests come \
            from here. It is kept in the database, so who may read that can sign. A webhook that is set again keeps \
            its secret unless --new-secret or --secret-file is given.

            Nothing is sent to addresses of this machine or of private networks without --allow-private, and \
            redirects are not followed.

            Example:
              stint webhook set ops https://example.com/ --on death --on 'age:mail>10m'
              stint webhook set slack https://hooks.slack.com/… --template slack --on disk
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(help: ArgumentHelp("An event that it is told of; may be repeated. (default: none)", valueName: "event"))
    var on: [String] = []
    @Option(
        help: ArgumentHelp(
            "What is sent: all fields, or a text as Slack expects. (default: json)", valueName: "json|slack"),
        transform: Self.template)
    var template = Webhook.Template.json
    @Flag(help: "It may be sent to addresses of this machine and of private networks.")
    var allowPrivate = false
    @Option(
        help: ArgumentHelp(
            "Read the secret from this file: whsec_ and Base64, or any text. (default: one by chance)", valueName: "f"))
    var secretFile: String?
    @Flag(help: "Replace the secret by a new one, and print it.")
    var newSecret = false
    @Argument(help: "The webhook's name.")
    var name: String
    @Argument(help: "The receiver's address, http or https.")
    var url: String

    private static func template(_ text: String) throws -> Webhook.Template {
        guard let template = Webhook.Template(rawValue: text) else {
            throw ValidationError("\(quoted(text)) is not known: use json or slack")
        }
        return template
    }

    func validate() throws {
        guard !on.isEmpty else { throw wrongUsage("the webhook has no events: give --on, such as --on buried") }
        guard secretFile == nil || !newSecret else {
            throw wrongUsage("--secret-file does not go with --new-secret: choose one of them")
        }
    }

    func run() async throws {
        var secret = WebhookSecret()
        if let secretFile {
            let text = String(decoding: try Input.payload(nil, file: secretFile), as: UTF8.self)
            let isSpace: (Character) -> Bool = { $0.isWhitespace }
            secret = try WebhookSecret(
                String(text.drop(while: isSpace).reversed().drop(while: isSpace).reversed()))
        }
        let webhook = try Webhook(
            name, url: url, events: on, template: template, allowsPrivate: allowPrivate, secret: secret)
        let queue = try await database.open(creating: creation)
        let setting = try await queue.set(webhook, keepsSecret: secretFile == nil && !newSecret)
        let verb =
            switch setting {
            case .added: "added"
            case .replaced: "replaced"
            case .unchanged: "unchanged"
            }
        let events = webhook.events.map(\.description).joined(separator: ", ")
        try Output.print("\(verb) \(name): \(printable(events)) to \(webhook.url.origin)")
        if secretFile == nil, setting == .added || newSecret {
            try Output.print("secret, not shown again: \(secret.text)")
        }
    }
}
