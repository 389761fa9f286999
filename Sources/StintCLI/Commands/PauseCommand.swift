import ArgumentParser
import StintCore

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let no job of a queue be claimed or started; what runs, runs on.",
        discussion: """
            When this has ended, no job of the queue starts, also none that a worker has claimed ahead: it is given back.

            Example:
              stint pause mail
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Argument(help: "The queue; it is made where there is none.", transform: QueueName.init(_:))
    var queue: QueueName

    func run() async throws {
        try await database.open(creating: creation).pause(queue)
        try Output.print("paused \(queue)")
    }
}
