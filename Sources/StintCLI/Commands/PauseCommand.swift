import ArgumentParser
import StintCore

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause a queue: its jobs are not claimed or started; running jobs continue.",
        discussion: """
            When the command has returned, no job of the queue starts. Jobs that a worker has claimed but not started \
            are given back. The reason is shown by `stint stats`, `stint queue show` and `stint top` until the queue is \
            resumed.

            Example:
              stint pause mail --reason 'the provider is down'
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(help: ArgumentHelp("Why, for people. (default: none)", valueName: "text"))
    var reason: String?
    @Argument(help: "The queue; it is created if it does not exist.", transform: QueueName.init(_:))
    var queue: QueueName

    func run() async throws {
        try await database.open(creating: creation).pause(queue, reason: reason)
        try Output.print("paused \(queue)")
    }
}
