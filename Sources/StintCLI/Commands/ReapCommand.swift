import ArgumentParser
import StintCore

struct ReapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reap",
        abstract:
            "Reclaim jobs of dead workers and ended leases, end expired jobs, prune old ones, tick schedules, notify webhooks, once; for cron.",
        discussion: """
            Jobs of workers whose processes are gone, and of leases that have ended, become ready again. Jobs \
            whose time is over (stint put --expires) expire, also in paused queues. Done, cancelled and expired jobs past \
            their queue's retention are deleted. Schedules that are due enqueue their jobs. Running operations (stint \
            operations) go on to their end, and new free text is indexed (stint queue set --search). Messages of webhooks \
            are enqueued; stint serve sends them. The command runs until nothing is left to do and prints the counts. A \
            worker whose supervisor lives is left to it, since only the supervisor knows how it ended.

            A job that was running alone in a process that died is blamed: the attempt and a crash count, and past \
            its limits it is buried. If several jobs were running, none is blamed; each runs again alone, so that the \
            cause shows. A job is not blamed if it was claimed and not started, or if its worker was stopped by \
            order, ended together with its supervisor, or belongs to an earlier boot of the machine.

            `stint work` does the same twice a second, so cron is only needed for the time when no worker runs.

            Example, in a crontab:
              * * * * *  stint reap --db /var/lib/app/stint.db
            """)

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let report = try await database.open().reap()
        let expired = report.expired > 0 ? ", expired \(report.expired)" : ""
        let ticked = report.ticked > 0 ? ", ticked \(report.ticked)" : ""
        let changed = report.changed > 0 ? ", changed \(report.changed)" : ""
        let purged = report.purged > 0 ? ", purged \(report.purged)" : ""
        let indexed = report.indexed > 0 ? ", indexed \(report.indexed)" : ""
        let groups = report.repairedGroups > 0 ? ", repaired groups \(report.repairedGroups)" : ""
        let notified = report.notified > 0 ? ", webhook messages \(report.notified)" : ""
        try Output.print(
            "requeued \(report.requeued), buried \(report.buried), pruned \(report.pruned)\(expired)\(ticked)\(changed)\(purged)"
                + groups + indexed + notified)
    }
}
