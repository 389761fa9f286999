import ArgumentParser
import StintCore

struct ResumeOperationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Resume a paused operation: workers go on with it.",
        discussion: """
            Example:
              stint operations resume 12
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The operation's id.")
    var id: OperationID

    func run() async throws {
        let operation = try await database.open().resume(id)
        try Output.print("resumed operation \(id), \(operation.progressText) jobs")
    }
}
