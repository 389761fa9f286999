import ArgumentParser
import StintCore

struct ResumeScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Resume a schedule: it goes on with its next tick.",
        discussion: """
            Ticks of the pause make no jobs, whatever --missed says.

            Example:
              stint schedule resume nightly
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The schedule's name.")
    var name: String

    func run() async throws {
        let queue = try await database.open()
        try await queue.resumeSchedule(name)
        let record = try await queue.schedule(named: name)?.record
        try Output.print("resumed \(name), next at \(record?.localTime(record?.nextTickMilliseconds) ?? "?")")
    }
}
