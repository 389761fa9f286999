import ArgumentParser
import StintCore

struct ListGroupsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the groups of a queue, with what their limits allow now.",
        discussion: """
            Groups with ready or running jobs come first, then by name. The jobs without a group are one too, listed \
            as -.

            Example:
              stint group list mail
              stint group list mail --json | jq -r 'select(.waitReason) | .name'
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: ArgumentHelp("The most groups to list.", valueName: "n"))
    var limit = 100
    @Flag(help: "Print one JSON object a line.")
    var json = false
    @Argument(help: "The queue.", transform: QueueName.init(_:))
    var queue: QueueName

    func validate() throws {
        guard limit >= 1 else { throw wrongUsage("--limit is \(limit); it must be at least 1") }
    }

    func run() async throws {
        let store = try await database.open(onlyReads: true)
        // One more, to know whether any are left.
        let found = try await store.groups(of: queue, limit: limit < .max ? limit + 1 : limit)
        if found.isEmpty, try await store.details(of: queue) == nil {
            throw try await QueueHints.missing(queue, in: store)
        }
        let groups = found.prefix(limit)
        var output = Output()
        if json {
            for group in groups { try output.line(try jsonLine(GroupDocument(group))) }
        } else if groups.isEmpty {
            try output.line("no groups")
        } else {
            var table = Table(["group", "weight", "ready", "running", "limit"], rightAligned: 1...3)
            for group in groups { table.add(row(of: group)) }
            try output.line(table.text)
        }
        try output.flush()
        if found.count > limit, !json { Output.printError("these are the first \(limit); --limit shows more") }
    }

    private func row(of group: GroupStats) -> [String] {
        [
            group.name ?? "-", "\(group.weight)", "\(group.ready)", "\(group.running)",
            group.waitReason.map(Self.text) ?? "",
        ]
    }

    /// Without the group's name.
    private static func text(_ reason: WaitReason) -> String {
        switch reason {
        case .groupFull(_, let running, let limit): "\(running) of \(limit) running"
        case .groupWaits(_, let job): "job \(job) waits for its retry"
        case .rate(_, let next): WaitReason.text(nextStart: next)
        case .paused, .delayed, .queueFull, .turn: reason.description
        }
    }
}
