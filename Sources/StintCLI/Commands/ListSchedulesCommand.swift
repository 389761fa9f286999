import ArgumentParser
import StintCore

struct ListSchedulesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the schedules, in plain words.",
        discussion: """
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
            var table = Table(["name", "queue", "times", "last", "next"], rightAligned: [])
            for schedule in schedules { table.add(row(of: schedule)) }
            try output.line(table.text)
        }
        try output.flush()
    }

    private func row(of schedule: ScheduleRecord) -> [String] {
        let last = schedule.lastTicks.first.map { localTime($0.timeMilliseconds) } ?? "never"
        return [schedule.name, schedule.queue.description, schedule.times, last, schedule.nextText]
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
