import ArgumentParser
import StintCore

struct PrioritizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prioritize",
        abstract: "Change the priority of ready, delayed and buried jobs, all or none.",
        discussion: """
            Jobs with a smaller number run first; 1024 is what jobs have by default. A job that is leased or over \
            keeps its priority. For many jobs: stint operations begin prioritize.

            Example:
              stint prioritize 42 43 --priority 10
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: ArgumentHelp("From 0 to 4294967295; smaller runs first. (default: none)", valueName: "n"))
    var priority: UInt32
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs]

    func run() async throws {
        try await database.open().change(ids.unique, .setPriority(to: priority), by: commandLineActor())
        try Output.print("prioritized \(ids.unique.count)")
    }
}
