import ArgumentParser
import StintCore

struct ShowOperationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an operation: who, when, which jobs, how many, and how far it is.",
        discussion: """
            Example:
              stint operations show 12
              stint operations show 12 --json | jq .changed
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The operation's id.")
    var id: OperationID
    @Flag(help: "Print one JSON document.")
    var json = false

    func run() async throws {
        guard let operation = try await database.open(onlyReads: true).operation(id) else {
            throw StintError.noOperation(id)
        }
        if json { return try Output.print(try jsonLine(operation)) }
        var rows = [
            ("operation", "\(operation.id), \(operation.stateText)"),
            ("what", oneLine("\(operation.action)", limit: 1_000)),
            ("filter", oneLine(operation.filter, limit: 4_000)),
            ("who", oneLine(operation.actor ?? "not known", limit: 200)),
            ("begun", localTime(operation.begunAtMilliseconds)),
        ]
        if let ended = operation.endedAtMilliseconds { rows.append(("ended", localTime(ended))) }
        rows.append(("jobs", operation.progressText))
        if let failure = operation.failure { rows.append(("failure", oneLine(failure, limit: 1_000))) }
        try Output.print(ShowCommand.text(rows))
    }
}
