import ArgumentParser
import StintCore

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List jobs.",
        discussion: """
            Lists the jobs that match a query, or all of them, one state after the other and ready ones as they would \
            be claimed. All terms of the query must hold; terms of the same name are alternatives, and - before a term \
            negates it. docs/queries.md explains them:

              queue:mail  state:buried  name:newsletter.*  group:acme  header.tenant:x
              error:"timed out"  error-group:00c5a1d2e3f40718  age:>1h  attempts:>3
              id:42  "free text"

            Example:
              stint list 'queue:mail state:buried error:"timed out" age:>1h'
              stint list state:buried --limit 20
              stint list --json | head -1
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(
        help: ArgumentHelp(
            "Only jobs that match: 'queue:mail state:buried'. Begin with -- if the first term is negated. (default: all)",
            valueName: "query"))
    var query: [String] = []
    @Option(help: ArgumentHelp("Only this queue. (default: all)", valueName: "q"), transform: QueueName.init(_:))
    var queue: QueueName?
    @Option(
        help: ArgumentHelp("Only jobs in this state. (default: all)", valueName: "s"))
    var state: JobState?
    @Option(help: ArgumentHelp("The most jobs to list.", valueName: "n"))
    var limit = 100
    @Flag(help: "List the jobs of each state in the opposite order.")
    var reverse = false
    @Flag(help: "Print one JSON object a line.")
    var json = false

    func validate() throws {
        guard limit >= 1 else { throw wrongUsage("--limit is \(limit); it must be at least 1") }
    }

    private var filter: JobFilter {
        get throws {
            let query = try JobQuery(query.joined(separator: " "))
            let more = JobQuery(queue: queue, state: state)
            return JobFilter(JobQuery(terms: query.terms + more.terms), limit: limit, isReversed: reverse)
        }
    }

    func run() async throws {
        var filter = try filter
        let store = try await database.open(onlyReads: true).store
        var output = Output()
        var table = Table(["id", "queue", "state", "priority", "attempts", "note"], rightAligned: [0, 3, 4])
        var cursor: JobCursor?
        var left = limit
        // Page by page, since the whole list may not fit into memory.
        repeat {
            filter.limit = left
            let page = try await store.page(filter, after: cursor)
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
        filter.limit = 1
        while let place = cursor {
            let more = try await store.page(filter, after: place)
            if !more.jobs.isEmpty { return Output.printError("these are the first \(limit); --limit shows more") }
            cursor = more.next
        }
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
