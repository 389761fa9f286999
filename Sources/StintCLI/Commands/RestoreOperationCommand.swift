import ArgumentParser
import StintCore

struct RestoreOperationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Bring back what an operation has deleted; possible for ten minutes after its end.",
        discussion: """
            Jobs come back with their ids, in the states in which they were; a job that was running is ready. A job \
            whose unique key was taken meanwhile does not come back, and is counted as skipped. This is an operation \
            too: when the command is stopped, workers go on with it.

            Example:
              stint operations restore 12
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The id of the operation that has deleted them.")
    var id: OperationID
    @Flag(help: "Begin it and return at once.")
    var detach = false

    func run() async throws {
        let queue = try await database.open()
        let operation = try await queue.restore(id, by: commandLineActor())
        guard !detach else { return try Output.print("operation \(operation.id)") }
        try Output.print(try await queue.work(on: operation))
    }
}
