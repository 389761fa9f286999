import ArgumentParser
import StintCore

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Call jobs off: none of them starts any more, and a running one is stopped at once.",
        discussion: """
            With ids, cancels these jobs, all or none. With --queue, cancels all of its jobs that are not over and meet \
            the conditions, as an operation (see stint operations): at most 1,000 in a transaction, and when the \
            command is stopped, workers go on with it. Unless --yes is given, it asks for confirmation on the terminal \
            first. When the command has ended, none of the jobs starts, also if a worker has claimed it already, and \
            none runs again, whatever a handler that is running answers. That handler is told at once: a command gets \
            SIGTERM, with its process group.

            A cancelled job is kept for as long as its queue keeps done jobs; see stint retain.

            Example:
              stint cancel 42 43
              stint cancel --queue mail --older 1d --yes
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Flag(help: "Do not ask for confirmation.")
    var yes = false
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs] = []

    private static let reason = "cancelled manually"

    func validate() throws {
        try conditions.validate(ids, for: .cancel(reason: Self.reason), needsCondition: true)
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.change(ids.unique, .cancel(reason: Self.reason), by: commandLineActor())
            return try Output.print("cancelled \(ids.unique.count)")
        }
        let change = JobChange.cancel(reason: Self.reason)
        let selection = conditions.selection(for: change)
        let bulk = BulkChange(queue: queue, name: conditions.queueName, selection: selection, change: change)
        try await bulk.confirm(isSure: yes)
        try Output.print("cancelled \(try await bulk.run())")
    }
}
