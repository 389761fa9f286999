import ArgumentParser
import StintCore

struct SetGroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set the share of a group in the turns of its queue.",
        discussion: """
            A group of weight 3 gets three jobs where one of weight 1 gets one. Groups have weight 1 at first.

            Example:
              stint group set mail acme --weight 3
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(help: ArgumentHelp("1 to 1000. (default: none)", valueName: "n"))
    var weight: Int
    @Argument(help: "The queue; it is created if it does not exist.", transform: QueueName.init(_:))
    var queue: QueueName
    @Argument(help: "The group's name; it is created if it does not exist.")
    var group: String

    func run() async throws {
        // Before the database is created.
        try GroupStats.check(weight: weight, ofGroup: group)
        try await database.open(creating: creation).setWeight(weight, ofGroup: group, in: queue)
        try Output.print("set \(oneLine(group, limit: 200)) of \(queue): weight \(weight)")
    }
}
