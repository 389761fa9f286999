import ArgumentParser
import StintCore

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Make delayed jobs ready now.",
        discussion: """
            The jobs keep their attempts. Ready jobs are not changed. If one of the jobs cannot be started, none is.

            Example:
              stint run 42 43
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Ids of delayed jobs.")
    var ids: [JobIDs]

    func run() async throws {
        try await database.open().change(ids.unique, .runNow, by: commandLineActor())
        try Output.print("ready \(ids.unique.count)")
    }
}
