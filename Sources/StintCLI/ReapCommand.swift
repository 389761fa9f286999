import ArgumentParser
import StintCore

struct ReapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reap",
        abstract: "Take back ended leases and prune done jobs, once; for cron.",
        discussion: """
            Running workers do the same every second, so cron's reaper is for the time when none runs.

            Example, in a crontab:
              * * * * *  stint reap --db /var/lib/app/stint.db
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let report = try await database.open().reap()
        try Output.print("requeued \(report.requeued), buried \(report.buried), pruned \(report.pruned)")
    }
}
