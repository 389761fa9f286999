import ArgumentParser
import StintCore

struct MoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move ready, delayed and buried jobs to another queue, all or none.",
        discussion: """
            They keep their state, their times, their unique keys and the names of their groups. A job that is leased \
            or over cannot be moved, and one whose unique key another job has in that queue neither. For many jobs: \
            stint operations begin move.

            Example:
              stint move 42 43 --to slow
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(
        help: ArgumentHelp("The queue; it is created if it does not exist. (default: none)", valueName: "q"),
        transform: QueueName.init(_:))
    var to: QueueName
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs]

    func run() async throws {
        try await database.open().change(ids.unique, .move(to: to), by: commandLineActor())
        try Output.print("moved \(ids.unique.count)")
    }
}
