import ArgumentParser
import StintCore

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete jobs, in any state.",
        discussion: """
            With ids, deletes these jobs, all or none, and they are gone. With --queue, deletes all of its jobs that \
            meet the conditions and were put before the command began, as an operation (see stint operations): at most \
            1,000 in a transaction, and when the command is stopped, workers go on with it. What an operation has \
            deleted can be brought back for ten minutes (stint operations restore) and takes its space until then. \
            Unless --yes is given, it asks for \
            confirmation on the terminal first. A worker that runs one of the jobs loses its lease.

            Example:
              stint delete 42 43
              stint delete --queue mail --state buried --older 30d
              stint delete --queue mail --all --yes
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Flag(help: "Do not ask for confirmation.")
    var yes = false
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs] = []

    func validate() throws {
        try conditions.validate(ids, for: .delete, needsCondition: true)
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.change(ids.unique, .delete, by: commandLineActor())
            return try Output.print("deleted \(ids.unique.count)")
        }
        let selection = conditions.selection(for: .delete)
        let bulk = BulkChange(queue: queue, name: conditions.queueName, selection: selection, change: .delete)
        try await bulk.confirm(isSure: yes)
        try Output.print("deleted \(try await bulk.run())")
    }
}
