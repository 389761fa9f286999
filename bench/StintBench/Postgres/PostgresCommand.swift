import ArgumentParser

/// The store in a PostgreSQL database.
struct PostgresCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postgres", abstract: "Measures the store in a PostgreSQL database.",
        subcommands: [
            LifeCommand.self, PostgresGroupCommand.self, PostgresSupervisedCommand.self, PostgresWakeCommand.self,
            PostgresIdleCommand.self,
            WaitingCommand.self, HeldCommand.self,
        ])
}
