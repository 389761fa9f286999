import ArgumentParser
import StintCore

struct DeleteScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a schedule; jobs that it has made stay.",
        discussion: """
            Example:
              stint schedule delete nightly
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The schedule's name.")
    var name: String

    func run() async throws {
        try await database.open().deleteSchedule(name)
        try Output.print("deleted \(name)")
    }
}
