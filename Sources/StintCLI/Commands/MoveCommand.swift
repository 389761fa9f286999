import ArgumentParser
import StintCore

struct MoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "Move jobs to another queue, or a whole database to another one.",
        discussion: """
            With --to: ready, delayed and buried jobs go to another queue, all or none. They keep their state, their \
            times, their unique keys and the names of their groups. A job that is leased or over cannot be moved, and one \
            whose unique key another job has in that queue neither. For many jobs: stint operations begin move.

            With two addresses: all jobs and settings of the first database go to the second one, which must be new or \
            empty, while workers, servers and producers run on. All jobs are copied first; then nothing is claimed until the \
            last running job has ended, and for some seconds more. Workers and servers of this program then start again \
            by themselves, on the new database; commands with the old address use the new one; jobs that are still enqueued in \
            the old one are forwarded. If it is killed, start it again: it goes on. The addresses are written into both \
            databases, as they are given. See docs/moving.md.

            Example:
              stint move 42 43 --to slow
              stint move stint.db postgres://db.example.com/jobs --dry-run
              stint move stint.db postgres://db.example.com/jobs
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(
        help: ArgumentHelp(
            "Of jobs: the queue; it is created if it does not exist. (default: none)", valueName: "q"),
        transform: QueueName.init(_:))
    var to: QueueName?
    @Option(
        help: ArgumentHelp(
            "Of a database: how long to wait for running jobs, while nothing is claimed. (default: 5m)",
            valueName: "duration"),
        transform: DurationArgument.init)
    var wait: DurationArgument = .seconds(300)
    @Flag(help: "Of a database: say how much there is and how long it takes, and change nothing.")
    var dryRun = false
    @Flag(help: "Of a database: give up a move that was broken off. Only the old address is given.")
    var abandon = false
    @Argument(help: "Ids of jobs, or the addresses of two databases.")
    var arguments: [String]

    func validate() throws {
        guard to == nil else {
            guard !dryRun, !abandon else {
                throw wrongUsage("--dry-run and --abandon are for databases, and --to is for jobs")
            }
            return
        }
        guard arguments.count == (abandon ? 1 : 2) else {
            throw wrongUsage(
                abandon
                    ? "give only the address of the database that was to be moved"
                    : "give the ids of jobs and --to QUEUE, or the addresses of two databases")
        }
        guard database.given == nil else { throw wrongUsage("--db is for jobs: give both addresses as arguments") }
    }

    func run() async throws {
        if let to { return try await moveJobs(to: to) }
        let source = try StoreAddress(arguments[0])
        if abandon { return try await giveUp(source) }
        let target = try StoreAddress(arguments[1])
        dryRun ? try await estimate(source, target) : try await move(source, to: target)
    }

    private func moveJobs(to queue: QueueName) async throws {
        let ids = try arguments.map { text in
            guard let ids = JobIDs(argument: text) else {
                throw wrongUsage("\(quoted(text)) is not the id of a job: expected whole numbers")
            }
            return ids
        }
        try await database.open().change(ids.unique, .move(to: queue), by: commandLineActor())
        try Output.print("moved \(ids.unique.count)")
    }
}
