import ArgumentParser
import StintCore

struct OperationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operations",
        abstract: "Change many jobs in steps that survive a crash, and see who changed what.",
        discussion: """
            An operation changes all jobs that match a query, at most 1,000 in a transaction, and goes on whatever \
            happens to the process that began it: `stint work` and `stint reap` make its next steps. It changes the \
            jobs that were put before it began and match when a step reaches them. What it has deleted can be brought \
            back for ten minutes. Its record stays for 90 days, and so do those of changes of single jobs by this \
            command.

            Example:
              stint operations
              stint operations begin delete 'queue:mail state:buried error:"no such host"'
              stint operations restore 12
            """,
        subcommands: [
            ListOperationsCommand.self, BeginOperationCommand.self, ShowOperationCommand.self,
            PauseOperationCommand.self, ResumeOperationCommand.self, CancelOperationCommand.self,
            RestoreOperationCommand.self,
        ], defaultSubcommand: ListOperationsCommand.self)
}

extension OperationID: ExpressibleByArgument {
    public init?(argument: String) {
        guard let number = Int64(argument), number > 0 else { return nil }
        self.init(rawValue: number)
    }
}
