import ArgumentParser
import StintCore

struct ReapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reap",
        abstract: "Take back jobs from dead workers and ended leases, and prune done jobs, once; for cron.",
        discussion: """
            Jobs of workers whose processes are gone, and of leases that have ended, are \
            ready again; done jobs past their queue's retention are deleted. It goes on \
            until nothing is left to do and prints how many of each. A worker whose \
            supervisor lives is left to it, since only the supervisor knows how it ended.

            A job that was running alone in a process that died is blamed: the attempt and \
            a crash count, and past its limits it is buried. Of several jobs none is \
            blamed; each runs again alone, so that the cause shows. Nothing is held \
            against a job that was claimed and not started, or whose worker was stopped by \
            order, ended together with its supervisor, or belongs to an earlier boot of \
            the machine.

            Running workers do the same every second, so cron's reaper is for the time \
            when none runs.

            Example, in a crontab:
              * * * * *  stint reap --db /var/lib/app/stint.db
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let report = try await database.open().reap()
        try Output.print("requeued \(report.requeued), buried \(report.buried), pruned \(report.pruned)")
    }
}
