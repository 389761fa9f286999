import ArgumentParser
import StintCore

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List jobs.",
        discussion: """
            Example:
              stint list --queue mail --state buried --limit 20
              stint list --json | head -1
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: ArgumentHelp("Only this queue.", valueName: "q"), transform: QueueName.init(_:))
    var queue: QueueName?
    @Option(help: ArgumentHelp("Only this state: ready, delayed, leased, buried or done.", valueName: "s"))
    var state: JobState?
    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit = 100
    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        guard limit >= 1 else { throw wrongUsage("--limit is \(limit); it must be at least 1") }
    }

    func run() async throws {
        // One more than is shown, to know whether there are more.
        let filter = JobFilter(queue: queue, state: state, limit: limit < .max ? limit + 1 : limit)
        let found = try await database.open(onlyReads: true).store.list(filter)
        let jobs = found.prefix(limit)
        var output = Output()
        if json {
            for job in jobs { try output.line(try jsonLine(job)) }
        } else {
            var table = Table(["id", "queue", "state", "priority", "attempts", "note"], rightAligned: [0, 3, 4])
            for job in jobs {
                table.add([
                    "\(job.id)", job.queue.description, job.state.rawValue, "\(job.priority)",
                    "\(job.attempts)/\(job.maxAttempts)", note(on: job),
                ])
            }
            if !jobs.isEmpty { try output.line(table.text) }
        }
        try output.flush()
        if found.count > limit && !json { Output.complain("these are the first \(limit); --limit shows more") }
    }

    /// What one wants to know first of a job in its state, on one line.
    private func note(on job: JobRecord) -> String {
        switch job.state {
        case .ready: job.suspect ? "suspect, runs alone" : ""
        case .delayed: "ready at \(localTime(job.runAt))"
        case .leased: "by \(job.worker ?? "nobody"), token \(job.token?.description ?? "?")"
        case .buried: oneLine(job.reason ?? "", limit: 100)
        case .done: "at \(localTime(job.doneAt))"
        }
    }
}
