import ArgumentParser
import StintCore

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Resume a paused queue: its jobs are claimed again.",
        discussion: """
            Example:
              stint resume mail
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The queue.", transform: QueueName.init(_:))
    var queue: QueueName

    func run() async throws {
        try await database.open().resume(queue)
        try Output.print("resumed \(queue)")
    }
}
