import ArgumentParser
import StintCore

struct RetainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retain",
        abstract: "Keep a queue's done jobs for a while; the reaper prunes them then.",
        discussion: """
            0s, the default of a queue, deletes a job when it is done.

            Example:
              stint retain mail 7d
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Argument(help: "The queue; it is made where there is none.", transform: QueueName.init(_:))
    var queue: QueueName
    @Argument(help: "How long.", transform: DurationArgument.init)
    var duration: DurationArgument

    func run() async throws {
        try await database.open(creating: creation).retain(duration.duration, in: queue)
        try Output.print("retaining done jobs of \(queue) for \(duration.description)")
    }
}
