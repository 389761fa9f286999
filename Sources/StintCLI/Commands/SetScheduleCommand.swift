import ArgumentParser
import StintCore

struct SetScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Add a schedule, or replace the one of this name.",
        discussion: """
            --cron takes five fields (minute, hour, day of month, month, day of week), or six with the second first, \
            or @hourly, @daily, @weekly, @monthly or @yearly. When the clocks are changed, a fixed time that is \
            skipped comes right after, and one that is doubled comes once; * follows the clock. --every counts from \
            1970-01-01 00:00 UTC, so that 1h is at each full hour.

            Setting a schedule again with the same contents changes nothing. A job with --unique is not enqueued \
            while the one before is not done.

            Example:
              stint schedule set nightly --cron '0 3 * * *' --timezone Europe/Berlin --queue chores clean-up
              stint schedule set poll --every 90s --missed skip --queue feeds --file feeds.json
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var creation: CreationOptions
    @Option(help: ArgumentHelp("The times, as in a crontab. (default: none)", valueName: "expression"))
    var cron: String?
    @Option(
        help: ArgumentHelp("The time between two ticks, at least 1s. (default: none)", valueName: "duration"),
        transform: DurationArgument.init)
    var every: DurationArgument?
    @Option(
        help: ArgumentHelp(
            "With --cron: the time zone, such as Europe/Berlin. (default: the machine's)", valueName: "zone"))
    var timezone: String?
    @Option(
        help: ArgumentHelp(
            "What becomes of ticks while nothing ticked: no job, one for all, or all. (default: once)",
            valueName: "skip|once|all"), transform: Self.missedTicks)
    var missed = MissedTicks.once
    @OptionGroup var job: JobArguments
    @Option(help: ArgumentHelp("Read the payload from this file. (default: none)", valueName: "f"))
    var file: String?
    @Argument(help: "The schedule's name.")
    var name: String
    @Argument(help: "The payload; - reads standard input.")
    var payload: String?

    private static func missedTicks(_ text: String) throws -> MissedTicks {
        guard let missed = MissedTicks(rawValue: text) else {
            throw ValidationError("\(quoted(text)) is not known: use skip, once or all")
        }
        return missed
    }

    func validate() throws {
        guard (cron == nil) != (every == nil) else {
            throw wrongUsage(
                cron == nil
                    ? "the schedule has no times: give --cron or --every"
                    : "--cron does not go with --every: choose one of them")
        }
        guard timezone == nil || cron != nil else {
            throw wrongUsage("--timezone goes with --cron only: equal intervals follow no clock")
        }
        guard (payload == nil) != (file == nil) else {
            throw wrongUsage(
                payload == nil
                    ? "no payload was given: give PAYLOAD, - or --file"
                    : "more than one payload was given: choose one of PAYLOAD, - and --file")
        }
    }

    func run() async throws {
        let recurrence: Schedule.Recurrence =
            if let every { try .every(every.duration) } else { try .cron(cron ?? "", timeZone: timezone) }
        let schedule = try Schedule(
            name, recurrence, missed: missed,
            job: try NewJob(try Input.payload(payload, file: file), in: job.queue, options: job.options()))
        let queue = try await database.open(creating: creation)
        let setting = try await queue.set(schedule)
        let next = try await queue.schedule(named: name)?.record
        let start = next?.isPaused == true ? "paused" : "next at \(next?.localTime(next?.nextTickMilliseconds) ?? "?")"
        try Output.print("\(setting.verb) \(name): \(recurrence); \(start)")
    }
}

extension ScheduleSetting {
    fileprivate var verb: String {
        switch self {
        case .added: "added"
        case .replaced: "replaced"
        case .unchanged: "unchanged"
        }
    }
}
