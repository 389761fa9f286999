import ArgumentParser
import StintCore

struct CancelOperationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "End an operation; what it has changed stays changed.",
        discussion: """
            Example:
              stint operations cancel 12
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The operation's id.")
    var id: OperationID

    func run() async throws {
        let operation = try await database.open().cancel(id)
        try Output.print("cancelled operation \(id), \(operation.progressText) jobs")
    }
}
