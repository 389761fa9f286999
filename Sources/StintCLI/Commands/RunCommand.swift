import ArgumentParser
import StintCore
import StintSQLite

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Let delayed jobs start now.",
        discussion: """
            They keep the attempts that they have had. A job that is ready already stays
            so. All or none: when one of the ids cannot be started, none is.

            Example:
              stint run 42 43
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Ids of delayed jobs.")
    var ids: [JobIDs]

    func run() async throws {
        try await database.open().runNow(ids.unique)
        try Output.print("ready \(ids.unique.count)")
    }
}
