import ArgumentParser
import StintCore

struct PauseScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Pause a schedule: its ticks make no jobs until it is resumed.",
        discussion: """
            Example:
              stint schedule pause nightly
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The schedule's name.")
    var name: String

    func run() async throws {
        try await database.open().pauseSchedule(name)
        try Output.print("paused \(name)")
    }
}
