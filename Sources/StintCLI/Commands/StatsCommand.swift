import ArgumentParser
import StintCore

struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show the number of jobs in each state.",
        discussion: """
            done counts all jobs acknowledged since the queue was created, whether or not they are retained.

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
        var table = Table(["queue", "ready", "delayed", "leased", "buried", "done", ""], rightAligned: 1...5)
        for queue in stats {
            table.add(
                [queue.name.description]
                    + [queue.ready, queue.delayed, queue.leased, queue.buried, queue.done].map(String.init)
                    + [queue.paused ? "paused" : ""])
        }
        try Output.print(table.text)
    }
}
