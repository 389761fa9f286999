import ArgumentParser
import StintCore

struct BuryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bury",
        abstract: "Set jobs aside until a person looks at them; a worker that runs one loses its lease.",
        discussion: """
            With ids, buries these jobs, all or none. With --queue, buries all of its ready, delayed and leased jobs \
            that meet the conditions, as an operation (see stint operations): at most 1,000 in a transaction, and when \
            the command is stopped, workers go on with it. Unless --yes is given, it asks for confirmation on the \
            terminal first.

            Example:
              stint bury 42 43
              stint bury --queue mail --state delayed --error 'no such host' --yes
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Flag(help: "Do not ask for confirmation.")
    var yes = false
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs] = []

    private static let reason = "buried manually"

    func validate() throws {
        try conditions.validate(ids, for: .bury(reason: Self.reason), needsCondition: true)
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.change(ids.unique, .bury(reason: Self.reason), by: commandLineActor())
            return try Output.print("buried \(ids.unique.count)")
        }
        let change = JobChange.bury(reason: Self.reason)
        let selection = conditions.selection(for: change)
        let bulk = BulkChange(queue: queue, name: conditions.queueName, selection: selection, change: change)
        try await bulk.confirm(isSure: yes)
        try Output.print("buried \(try await bulk.run())")
    }
}
