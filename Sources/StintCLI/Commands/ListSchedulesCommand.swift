import ArgumentParser
import StintCore

struct ListSchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the schedules in plain words, with their last and next five ticks.",
        discussion: """
            Times are on the clock of the schedule's zone; an offset from UTC holds until the next one.

            Example:
              stint schedule list
              stint schedule list --json | jq -r .name
            """)

    @OptionGroup var database: DatabaseOptions
    @Flag(help: "Print one JSON object a line.")
    var json = false

    func run() async throws {
        let schedules = try await database.open(onlyReads: true).schedules()
        var output = Output()
        if json {
            for schedule in schedules { try output.line(try jsonLine(ScheduleDocument(schedule))) }
        } else if schedules.isEmpty {
            try output.line("no schedules")
        } else {
            for (index, schedule) in schedules.enumerated() {
                if index > 0 { try output.line("") }
                for line in ScheduleLines(schedule, width: Terminal.size.columns).lines { try output.line(line) }
            }
        }
        try output.flush()
    }
}

extension ScheduleRecord {
    /// When it ticks, in plain words, or why it does not.
    var times: String { recurrence?.description ?? "cannot tick: \(oneLine(problem ?? "?", limit: 200))" }

    var nextText: String {
        if isPaused { return "paused" }
        guard problem == nil else { return "never" }
        return nextTickMilliseconds.map { localTime($0) } ?? "never"
    }
}
