import ArgumentParser

struct ScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schedule",
        abstract: "Enqueue jobs again and again, at the times of cron or after equal intervals.",
        discussion: """
            Each tick enqueues one job, however many processes tick. Workers tick, and so does `stint reap`; without \
            either nothing does, and `stint doctor` says so.

            Example:
              stint schedule set nightly --cron '0 3 * * *' --timezone Europe/Berlin --queue chores clean-up
              stint schedule list
            """,
        subcommands: [
            SetScheduleCommand.self, ListSchedulesCommand.self, ShowScheduleCommand.self, PauseScheduleCommand.self,
            ResumeScheduleCommand.self, RunScheduleCommand.self, DeleteScheduleCommand.self,
        ])
}
