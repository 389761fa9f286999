import ArgumentParser
import StintCore

struct KickCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kick",
        abstract: "Bring buried jobs back, with their attempts at 0.",
        discussion: """
            With ids, these jobs; else all of a queue, oldest first, or the first --limit. Prints how many.

            Example:
              stint kick --queue mail --limit 10
              stint kick 42 43
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(help: ArgumentHelp("The queue. (default: default)", valueName: "q"), transform: QueueName.init(_:))
    var queue: QueueName?
    @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
    var limit: Int?
    @Argument(help: "Ids of buried jobs.")
    var ids: [JobID] = []

    func validate() throws {
        guard ids.isEmpty || queue == nil && limit == nil else {
            throw wrongUsage("ids do not go with --queue or --limit: an id names its job already")
        }
        if let limit, limit < 1 { throw wrongUsage("--limit is \(limit); it must be at least 1") }
    }

    func run() async throws {
        let queueStore = try await database.open()
        if ids.isEmpty {
            let kicked = try await queueStore.kick(queue ?? .default, limit: limit)
            return try Output.print("kicked \(kicked)")
        }
        try await queueStore.store.kick(ids, now: queueStore.clock.now())
        try Output.print("kicked \(ids.count)")
    }
}

struct BuryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bury",
        abstract: "Set jobs aside for a person; a worker that runs one loses its lease.",
        discussion: """
            All or none: when one of the ids cannot be buried, nothing is.

            Example:
              stint bury 42 43
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Ids of jobs.")
    var ids: [JobID]

    func run() async throws {
        let queue = try await database.open()
        try await queue.store.bury(ids, reason: "buried by hand", now: queue.clock.now())
        try Output.print("buried \(ids.count)")
    }
}

struct DeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Remove jobs for good, in whatever state they are.",
        discussion: """
            All or none: when one of the ids names no job, nothing is deleted.

            Example:
              stint delete 42 43
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "Ids of jobs.")
    var ids: [JobID]

    func run() async throws {
        let queue = try await database.open()
        try await queue.store.delete(ids, now: queue.clock.now())
        try Output.print("deleted \(ids.count)")
    }
}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Let no job of a queue be claimed or started; what runs, runs on.",
        discussion: """
            When this has ended, no job of the queue starts, also none that a worker has claimed ahead: it is given back.

            Example:
              stint pause mail
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The queue; it is made where there is none.", transform: QueueName.init(_:))
    var queue: QueueName

    func run() async throws {
        try await database.open(creates: true).pause(queue)
        try Output.print("paused \(queue)")
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Let jobs of a paused queue be claimed again.",
        discussion: """
            Example:
              stint resume mail
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The queue.", transform: QueueName.init(_:))
    var queue: QueueName

    func run() async throws {
        try await database.open().resume(queue)
        try Output.print("resumed \(queue)")
    }
}

struct RetainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retain",
        abstract: "Keep a queue's done jobs for a while; the reaper prunes them then.",
        discussion: """
            0s, the default of a queue, deletes a job when it is done.

            Example:
              stint retain mail 7d
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The queue; it is made where there is none.", transform: QueueName.init(_:))
    var queue: QueueName
    @Argument(help: "How long.", transform: DurationArgument.init)
    var duration: DurationArgument

    func run() async throws {
        try await database.open(creates: true).retain(duration.duration, in: queue)
        try Output.print("retaining done jobs of \(queue) for \(duration.description)")
    }
}

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database while it is in use.",
        discussion: """
            The copy is a database of its own, as of one moment. An existing file is not overwritten.

            Example:
              stint backup stint-backup.db
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The new file.")
    var file: String

    func run() async throws {
        try await database.open().store.backup(to: file)
        try Output.print("copied to \(printable(file))")
    }
}

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the database and say what to do about what is wrong.",
        discussion: """
            Exits with 1 when something is wrong.

            Example:
              stint doctor --db /var/lib/app/stint.db
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let store = try await database.open().store
        let findings = try await store.examine() + store.examineSurroundings()
        var output = Output()
        for finding in findings {
            try output.line("\(finding.isGood ? "ok   " : "WRONG") \(finding.subject): \(finding.description)")
        }
        try output.flush()
        if findings.contains(where: { !$0.isGood }) { throw ExitCode(1) }
    }
}
