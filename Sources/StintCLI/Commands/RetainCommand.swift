import ArgumentParser
import StintCore

struct RetainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retain",
        abstract: "Keep a queue's jobs that are over for some time; then the reaper deletes them.",
        discussion: """
            0s, the default of a queue, deletes a job as soon as it is done, cancelled or expired.

            Example:
              stint retain mail 7d
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Argument(help: "The queue; it is created if it does not exist.", transform: QueueName.init(_:))
    var queue: QueueName
    @Argument(help: "How long, such as 7d.", transform: DurationArgument.init)
    var duration: DurationArgument

    func run() async throws {
        try await database.open(creating: creation).retain(duration.duration, in: queue)
        try Output.print("retaining done jobs of \(queue) for \(duration.description)")
    }
}
