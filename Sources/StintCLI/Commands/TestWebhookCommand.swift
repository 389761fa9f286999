import ArgumentParser
import StintCore

struct TestWebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Enqueue a message that says that it is a test.",
        discussion: """
            Prints the id of its job. stint serve sends it; stint webhook show says what came of it.

            Example:
              stint webhook test ops
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The webhook's name.")
    var name: String

    func run() async throws { try Output.print("\(try await database.open().testWebhook(name).id)") }
}
