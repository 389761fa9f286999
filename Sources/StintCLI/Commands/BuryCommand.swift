import ArgumentParser
import StintCore
import StintSQLite

struct BuryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bury",
        abstract: "Set jobs aside for a person; a worker that runs one loses its lease.",
        discussion: """
            With ids, these jobs, all or none. With --queue, all of its ready, delayed and
            leased jobs that meet the conditions, a thousand a transaction, after a
            question on the terminal or with --yes.

            Example:
              stint bury 42 43
              stint bury --queue mail --state delayed --error 'no such host' --yes
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Flag(help: "Do it without a question.")
    var yes = false
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs] = []

    private static let reason = "buried by hand"

    func validate() throws {
        try conditions.validate(ids, for: .bury(reason: Self.reason), needsCondition: true)
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.bury(ids.unique, reason: Self.reason)
            return try Output.print("buried \(ids.unique.count)")
        }
        let change = JobChange.bury(reason: Self.reason)
        let selection = conditions.selection(for: change, now: queue.clock.now())
        let bulk = BulkChange(queue: queue, selection: selection, change: change)
        try await bulk.confirm(isSure: yes)
        try Output.print("buried \(try await bulk.run())")
    }
}
