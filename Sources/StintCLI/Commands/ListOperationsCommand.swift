import ArgumentParser
import StintCore

struct ListOperationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the latest operations and changes of single jobs, newest first.",
        discussion: """
            Example:
              stint operations list --limit 5
              stint operations list --json | jq 'select(.state == "running")'
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: ArgumentHelp("The most operations.", valueName: "n"))
    var limit = 20
    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        guard (1...BulkOperation.maximumKept).contains(limit) else {
            throw wrongUsage("--limit is \(limit); it must be between 1 and \(BulkOperation.maximumKept)")
        }
    }

    func run() async throws {
        let operations = try await database.open(onlyReads: true).operations(limit: limit)
        var output = Output()
        if json {
            for operation in operations { try output.line(try jsonLine(operation)) }
        } else if operations.isEmpty {
            try output.line("no operations")
        } else {
            var table = Table(["id", "begun", "who", "what", "jobs", "state", "filter"], rightAligned: [0])
            for operation in operations {
                table.add([
                    "\(operation.id)", localTime(operation.begunAtMilliseconds),
                    oneLine(operation.actor ?? "-", limit: 30),
                    oneLine("\(operation.action)", limit: 40), operation.progressText, operation.stateText,
                    oneLine(operation.filter, limit: 80),
                ])
            }
            try output.line(table.text)
        }
        try output.flush()
    }
}

extension BulkOperation {
    /// `1200 of 5000, 3 skipped`
    var progressText: String {
        let total = total.map { $0 == changed ? "" : " of \($0)" } ?? ""
        return "\(changed)\(total)" + (skipped > 0 ? ", \(skipped) skipped" : "")
    }

    var stateText: String {
        guard let until = restorableUntilMilliseconds, until > wallClock() else { return state.rawValue }
        return "\(state.rawValue), can be restored until \(localTime(until))"
    }
}
