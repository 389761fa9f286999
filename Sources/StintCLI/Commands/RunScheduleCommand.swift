import ArgumentParser
import StintCore

struct RunScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Enqueue a schedule's job now; its ticks stay as they are.",
        discussion: """
            Prints the job's id.

            Example:
              stint schedule run nightly
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The schedule's name.")
    var name: String

    func run() async throws {
        let answer = try await database.open().runSchedule(name)
        try Output.print("\(answer.id)")
        if answer.isDuplicate {
            Output.printError("nothing was added: job \(answer.id) has its key and is not done yet")
        }
    }
}
