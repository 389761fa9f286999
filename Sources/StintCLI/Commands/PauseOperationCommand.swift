import ArgumentParser
import StintCore

struct PauseOperationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause an operation: no step follows until it is resumed.",
        discussion: """
            Example:
              stint operations pause 12
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The operation's id.")
    var id: OperationID

    func run() async throws {
        let operation = try await database.open().pause(id)
        try Output.print("paused operation \(id), \(operation.progressText) jobs")
    }
}
