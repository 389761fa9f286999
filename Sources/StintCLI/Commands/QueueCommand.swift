import ArgumentParser

struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "Limit what of a queue runs, and show its settings.",
        discussion: """
            Limits hold exactly, over all processes that work on the database. They act on the next start.

            Example:
              stint queue set mail --rate 50/1s --group-concurrency 2
              stint queue show mail
            """,
        subcommands: [SetQueueCommand.self, ShowQueueCommand.self])
}
