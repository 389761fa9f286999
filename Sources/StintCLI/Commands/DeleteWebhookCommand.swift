import ArgumentParser
import StintCore

struct DeleteWebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a webhook; messages that were not sent yet are not sent any more.",
        discussion: """
            Example:
              stint webhook delete ops
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The webhook's name.")
    var name: String

    func run() async throws {
        try await database.open().deleteWebhook(name)
        try Output.print("deleted \(name)")
    }
}
