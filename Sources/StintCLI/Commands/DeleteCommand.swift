import ArgumentParser
import StintCore
import StintSQLite

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Remove jobs for good, in whatever state they are.",
        discussion: """
            With ids, these jobs, all or none. With --queue, all of its jobs that meet the
            conditions and were put before the command began, a thousand a transaction,
            after a question on the terminal or with --yes. A worker that runs one of them
            loses its lease.

            Example:
              stint delete 42 43
              stint delete --queue mail --state buried --older 30d
              stint delete --queue mail --all --yes
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Flag(help: "Do it without a question.")
    var yes = false
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs] = []

    func validate() throws {
        try conditions.validate(ids, for: .delete, needsCondition: true)
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.delete(ids.unique)
            return try Output.print("deleted \(ids.unique.count)")
        }
        let selection = conditions.selection(for: .delete, now: queue.clock.now())
        let bulk = BulkChange(queue: queue, selection: selection, change: .delete)
        try await bulk.confirm(isSure: yes)
        try Output.print("deleted \(try await bulk.run())")
    }
}
