import ArgumentParser
import StintCore

struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show the number of jobs in each state.",
        discussion: """
            done, cancelled and expired count all such jobs since the queue was created, whether or not they are \
            retained. Behind the counts are the limits of a queue: stint queue set.

            Example:
              stint stats --json
            """)

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Print one JSON document.")
    var json = false

    private struct Document: Encodable {
        let queues: [QueueStats]
    }

    func run() async throws {
        let stats = try await database.open(onlyReads: true).stats()
        if json { return try Output.print(try jsonLine(Document(queues: stats))) }
        guard !stats.isEmpty else { return try Output.print("no queues yet") }
        let states = JobState.allCases
        var table = Table(["queue"] + states.map(\.rawValue) + [""], rightAligned: 1...states.count)
        for queue in stats {
            table.add(
                [queue.name.description]
                    + states.map { "\(queue.count(of: $0))" }
                    + [[queue.pauseText, queue.limits.text].compactMap(\.self).joined(separator: "; ")])
        }
        try Output.print(table.text)
    }
}
