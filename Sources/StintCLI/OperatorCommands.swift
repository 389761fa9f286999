import ArgumentParser
import StintCore

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
    @OptionGroup var creation: CreationOptions
    @Argument(help: "The queue; it is made where there is none.", transform: QueueName.init(_:))
    var queue: QueueName

    func run() async throws {
        try await database.open(creating: creation).pause(queue)
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
    @OptionGroup var creation: CreationOptions
    @Argument(help: "The queue; it is made where there is none.", transform: QueueName.init(_:))
    var queue: QueueName
    @Argument(help: "How long.", transform: DurationArgument.init)
    var duration: DurationArgument

    func run() async throws {
        try await database.open(creating: creation).retain(duration.duration, in: queue)
        try Output.print("retaining done jobs of \(queue) for \(duration.description)")
    }
}

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy the database while it is in use.",
        discussion: """
            The copy is a database of its own, as of one moment. An existing file is not overwritten. `stint restore` puts it \
            in the place of a database; see docs/backup.md.

            Example:
              stint backup stint-backup.db
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The new file.")
    var file: String

    func run() async throws {
        try await database.open(onlyReads: true).store.backup(to: file)
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
        let store = try await database.open(onlyReads: true).store
        let findings = try await store.examine() + store.examineSurroundings()
        var output = Output()
        for finding in findings {
            try output.line("\(finding.isGood ? "ok   " : "WRONG") \(finding.subject): \(finding.description)")
        }
        try output.flush()
        if findings.contains(where: { !$0.isGood }) { throw ExitCode(1) }
    }
}
