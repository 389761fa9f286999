import ArgumentParser
import StintCore

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause a queue: its jobs are not claimed or started; running jobs continue.",
        discussion: """
            When the command has returned, no job of the queue starts. Jobs that a worker has claimed but not started \
            are given back.

            Example:
              stint pause mail
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Argument(help: "The queue; it is created if it does not exist.", transform: QueueName.init(_:))
    var queue: QueueName

    func run() async throws {
        try await database.open(creating: creation).pause(queue)
        try Output.print("paused \(queue)")
    }
}
