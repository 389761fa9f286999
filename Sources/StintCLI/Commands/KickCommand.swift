import ArgumentParser
import StintCore

struct KickCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kick",
        abstract: "Make buried jobs ready again, with their attempts at 0.",
        discussion: """
            With ids, kicks these jobs, all or none. Otherwise kicks all jobs of a queue that meet the conditions, \
            oldest first, or the first --limit, as an operation (see stint operations): at most 1,000 in a transaction, \
            and when the command is stopped, workers go on with it. A job that is buried again meanwhile is not kicked \
            again. Prints the number of kicked jobs.

            Example:
              stint kick --queue mail --error 'timed out' --limit 10
              stint kick 42 43
              stint kick 42 --after 1h
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Option(help: ArgumentHelp("The most jobs to kick. (default: all)", valueName: "n"))
    var limit: Int?
    @Option(
        help: ArgumentHelp("With ids: ready only after this time. (default: at once)", valueName: "duration"),
        transform: DurationArgument.init)
    var after: DurationArgument?
    @Argument(help: "Ids of buried jobs.")
    var ids: [JobIDs] = []

    func validate() throws {
        try conditions.validate(ids, for: .kick, needsCondition: false)
        guard ids.isEmpty || limit == nil else {
            throw wrongUsage("ids do not go with --limit: all of them are kicked")
        }
        guard after == nil || !ids.isEmpty else {
            throw wrongUsage("--after goes with ids; for many jobs: stint operations begin kick --after …")
        }
        if let limit, limit < 1 { throw wrongUsage("--limit is \(limit); it must be at least 1") }
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.change(
                ids.unique, after.map { .kickLater(after: $0.duration) } ?? .kick, by: commandLineActor())
            return try Output.print("kicked \(ids.unique.count)")
        }
        let selection = conditions.selection(for: .kick)
        let kicked = try await BulkChange(queue: queue, name: conditions.queueName, selection: selection, change: .kick)
            .run(limit: limit)
        try Output.print("kicked \(kicked)")
        if kicked == 0 { try await hintAtBuriedJobs(queue, conditions.queueName) }
    }

    /// The default queue is often empty, so this helps a user who forgot --queue.
    private func hintAtBuriedJobs(_ queue: JobQueue<AnyJobStore>, _ name: QueueName) async throws {
        let buried = try await queue.stats().filter { $0.buried > 0 }
        guard let first = buried.first, !buried.contains(where: { $0.name == name }) else { return }
        let places = buried.prefix(5).map { "\(quoted($0.name.description)) (\($0.buried))" }.joined(separator: ", ")
        Output.printError(
            "nothing is buried in queue \(quoted(name.description)); buried jobs are in \(places)"
                + (buried.count > 5 ? " and \(buried.count - 5) more" : "")
                + ": \(database.command("kick --queue \(first.name)"))")
    }
}
