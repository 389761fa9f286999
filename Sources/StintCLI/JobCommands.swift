import ArgumentParser
import StintCore
import StintSQLite

/// The commands that change jobs by their ids, or many jobs of a queue.

struct KickCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kick",
        abstract: "Bring buried jobs back, with their attempts at 0.",
        discussion: """
            With ids, these jobs, all or none; else all of a queue that meet the \
            conditions, oldest first, or the first --limit. A job that is buried again \
            meanwhile is not kicked again. Prints how many.

            Example:
              stint kick --queue mail --error 'timed out' --limit 10
              stint kick 42 43
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit: Int?
    @Argument(help: "Ids of buried jobs.")
    var ids: [JobIDs] = []

    func validate() throws {
        try conditions.validate(ids, for: .kick, needsCondition: false)
        guard ids.isEmpty || limit == nil else {
            throw wrongUsage("ids do not go with --limit: they are as many as they are")
        }
        if let limit, limit < 1 { throw wrongUsage("--limit is \(limit); it must be at least 1") }
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.store.kick(ids.unique, now: queue.clock.now())
            return try Output.print("kicked \(ids.unique.count)")
        }
        let selection = conditions.selection(for: .kick, now: queue.clock.now())
        let kicked = try await BulkChange(queue: queue, selection: selection, change: .kick).run(limit: limit)
        try Output.print("kicked \(kicked)")
        if kicked == 0 { try await tellWhereBuriedJobsAre(queue, selection.queue) }
    }

    /// Who forgets --queue looks into a queue that is mostly empty.
    private func tellWhereBuriedJobsAre(_ queue: JobQueue<SQLiteStore>, _ name: QueueName) async throws {
        let buried = try await queue.store.stats().filter { $0.buried > 0 }
        guard let first = buried.first, !buried.contains(where: { $0.name == name }) else { return }
        let places = buried.prefix(5).map { "\(quoted($0.name.description)) (\($0.buried))" }.joined(separator: ", ")
        Output.complain(
            "nothing is buried in queue \(quoted(name.description)); buried jobs are in \(places)"
                + (buried.count > 5 ? " and \(buried.count - 5) more" : "")
                + ": \(database.command("kick --queue \(first.name)"))")
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Let delayed jobs start now.",
        discussion: """
            They keep the attempts that they have had. A job that is ready already stays \
            so. All or none: when one of the ids cannot be started, none is.

            Example:
              stint run 42 43
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Ids of delayed jobs.")
    var ids: [JobIDs]

    func run() async throws {
        try await database.open().runNow(ids.unique)
        try Output.print("ready \(ids.unique.count)")
    }
}

struct BuryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bury",
        abstract: "Set jobs aside for a person; a worker that runs one loses its lease.",
        discussion: """
            With ids, these jobs, all or none. With --queue, all of its ready, delayed and \
            leased jobs that meet the conditions, a thousand a transaction, after a \
            question on the terminal or with --yes.

            Example:
              stint bury 42 43
              stint bury --queue mail --state delayed --error 'no such host' --yes
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Flag(help: "Do it without a question.")
    var yes = false
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs] = []

    private static let reason = "buried by hand"

    func validate() throws {
        try conditions.validate(ids, for: .bury(reason: Self.reason), needsCondition: true)
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.store.bury(ids.unique, reason: Self.reason, now: queue.clock.now())
            return try Output.print("buried \(ids.unique.count)")
        }
        let change = JobChange.bury(reason: Self.reason)
        let selection = conditions.selection(for: change, now: queue.clock.now())
        let bulk = BulkChange(queue: queue, selection: selection, change: change)
        try await bulk.confirm(isSure: yes)
        try Output.print("buried \(try await bulk.run())")
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Remove jobs for good, in whatever state they are.",
        discussion: """
            With ids, these jobs, all or none. With --queue, all of its jobs that meet the \
            conditions and were put before the command began, a thousand a transaction, \
            after a question on the terminal or with --yes. A worker that runs one of them \
            loses its lease.

            Example:
              stint delete 42 43
              stint delete --queue mail --state buried --older 30d
              stint delete --queue mail --all --yes
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var conditions: SelectionOptions
    @Flag(help: "Do it without a question.")
    var yes = false
    @Argument(help: "Ids of jobs.")
    var ids: [JobIDs] = []

    func validate() throws {
        try conditions.validate(ids, for: .delete, needsCondition: true)
    }

    func run() async throws {
        let queue = try await database.open()
        guard ids.isEmpty else {
            try await queue.store.delete(ids.unique, now: queue.clock.now())
            return try Output.print("deleted \(ids.unique.count)")
        }
        let selection = conditions.selection(for: .delete, now: queue.clock.now())
        let bulk = BulkChange(queue: queue, selection: selection, change: .delete)
        try await bulk.confirm(isSure: yes)
        try Output.print("deleted \(try await bulk.run())")
    }
}
