import ArgumentParser
import Torture

/// The command of `stint work` in a run: runs one job.
struct HandleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "handle", shouldDisplay: false)

    @Option(name: .customLong("db")) var database: String
    @Option var history: String

    func run() async throws {
        throw ExitCode(try await handleJob(database: database, history: history))
    }
}
