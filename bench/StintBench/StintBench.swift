import ArgumentParser

/// `stint-bench` runs the matrix, and starts `stint-bench play` once for each process of a run.
@main
struct StintBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stint-bench",
        abstract: "Measures Stint against the naive job queues, SQLite itself and what was promised.",
        subcommands: [
            RunCommand.self, PlayCommand.self, HandlersCommand.self, DrainCommand.self, ReviveCommand.self,
            FillCommand.self, CeilingCommand.self, ContentionCommand.self, SupervisedCommand.self, GroupCommand.self,
            WakeCommand.self,
            IdleCommand.self, LogCommand.self, ChurnCommand.self, FlatCommand.self, FlowCommand.self,
            SuspectsCommand.self, DeathCommand.self, QueriesCommand.self, PostgresCommand.self,
        ],
        defaultSubcommand: RunCommand.self
    )
}

/// What went wrong, in one sentence.
struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
