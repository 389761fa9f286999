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
    @Option(help: ArgumentHelp("Only this queue. (default: all)", valueName: "q"), transform: QueueName.init(_:))
    var queue: QueueName?
    @Option(
        help: ArgumentHelp("Only jobs in this state. (default: all)", valueName: "s"))
    var state: JobState?
    @Option(help: ArgumentHelp("The most jobs to list.", valueName: "n"))
    var limit = 100
    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        guard limit >= 1 else { throw wrongUsage("--limit is \(limit); it must be at least 1") }
    }

    func run() async throws {
        let store = try await database.open(onlyReads: true).store
        var output = Output()
        var table = Table(["id", "queue", "state", "priority", "attempts", "note"], rightAligned: [0, 3, 4])
        var cursor: JobCursor?
        var left = limit
        // Page by page, since the whole list may not fit into memory.
        repeat {
            let page = try await store.page(JobFilter(queue: queue, state: state, limit: left), after: cursor)
            if json {
                for job in page.jobs { try output.line(try jsonLine(job)) }
            } else if !page.jobs.isEmpty {
                for job in page.jobs { table.add(row(of: job)) }
                try output.line(table.takeText())
            }
            try output.flush()
            left -= page.jobs.count
            cursor = page.next
        } while cursor != nil && left > 0
        guard cursor != nil, !json else { return }
        let more = try await store.page(JobFilter(queue: queue, state: state, limit: 1), after: cursor)
        if !more.jobs.isEmpty { Output.printError("these are the first \(limit); --limit shows more") }
    }

    private func row(of job: JobRecord) -> [String] {
        [
            "\(job.id)", job.queue.description, job.state.rawValue, "\(job.priority)",
            "\(job.attempts)/\(job.maxAttempts)", note(on: job),
        ]
    }

    /// The most important fact about a job in its state, and its group, on one line.
    private func note(on job: JobRecord) -> String {
        let group = job.group.map { "group \(oneLine($0, limit: 100))" }
        return [fact(on: job), group].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: "; ")
    }

    private func fact(on job: JobRecord) -> String {
        switch job.state {
        case .ready: job.suspect ? "suspect, runs alone" : ""
        case .delayed: "ready at \(localTime(job.runAtMilliseconds))"
        case .leased: "by \(job.worker ?? "?"), token \(job.token?.description ?? "?")"
        case .buried, .cancelled, .expired: oneLine(job.reason ?? "", limit: 100)
        case .done: "at \(localTime(job.doneAtMilliseconds))"
        }
    }
}
