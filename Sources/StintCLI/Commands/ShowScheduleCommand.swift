import ArgumentParser
import StintCore

struct ShowScheduleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show everything about a schedule, with its last and next five ticks.",
        discussion: """
            Example:
              stint schedule show nightly
              stint schedule show nightly --payload > payload.bin
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "The schedule's name.")
    var name: String
    @Flag(help: "Print one JSON document, with the payload as text, or as payloadBase64 if it is not UTF-8.")
    var json = false
    @Flag(help: "Write exactly the payload's bytes and nothing else.")
    var payload = false

    func validate() throws {
        guard !(json && payload) else { throw wrongUsage("--json and --payload do not go together: choose one") }
    }

    func run() async throws {
        guard let schedule = try await database.open(onlyReads: true).schedule(named: name) else {
            throw StintError.noSchedule(name)
        }
        if payload { return try Output.write(schedule.payload) }
        if json { return try Output.print(try jsonLine(ScheduleDocument(schedule.record, schedule.payload))) }
        try Output.print(ShowCommand.text(rows(of: schedule)))
    }

    /// One row for each of the texts, the first of them with the name.
    private static func rows(_ name: String, _ texts: [String], orElse none: String) -> [(String, String)] {
        (texts.isEmpty ? [none] : texts).enumerated().map { ($0 == 0 ? name : "", $1) }
    }

    private func rows(of schedule: ScheduleDetails) -> [(String, String)] {
        let (record, options) = (schedule.record, schedule.record.options)
        var rows: [(String, String)] = [
            ("schedule", "\(record.name) for queue '\(record.queue)'"),
            ("times", record.times),
        ]
        switch record.recurrence?.kind {
        case .cron(let expression, let zone)?: rows.append(("cron", "\(expression) in \(zone)"))
        case .every?, nil: break
        }
        rows.append(("missed", record.missed.rawValue))
        if let problem = record.problem { rows.append(("problem", problem)) }
        rows += Self.rows(
            "last", record.lastTicks.map { "\(record.localTime($0.timeMilliseconds)), job \($0.job)" }, orElse: "never")
        let next = record.problem == nil ? record.nextTicks(ScheduleRecord.shownTicks) : []
        rows += Self.rows("next", next.map { record.localTime($0.timestamp) }, orElse: record.nextText)
        rows.append(("priority", "\(options.priority)"))
        rows.append(("attempts", "at most \(options.maxAttempts), crashes at most \(options.maxCrashes)"))
        if options.delay > .zero {
            rows.append(("delay", Format.duration(milliseconds: options.delay.milliseconds)))
        }
        if let time = options.timeToRun { rows.append(("time to run", "\(time.milliseconds) ms")) }
        if let expires = options.expires {
            rows.append(("expires", "after " + Format.duration(milliseconds: expires.milliseconds)))
        }
        if let group = options.group { rows.append(("group", printable(group))) }
        if let key = options.uniqueKey { rows.append(("unique key", printable(key))) }
        if options.onConflict != .keep { rows.append(("on conflict", options.onConflict.rawValue)) }
        if let debounce = options.debounce {
            let limit = options.atMost.map { ", at most " + Format.duration(milliseconds: $0.milliseconds) } ?? ""
            rows.append(("debounce", Format.duration(milliseconds: debounce.milliseconds) + limit))
        }
        if options.onConflict == .collect {
            rows.append(("events", "at most \(options.maxEvents), of \(options.maxEventBytes) bytes"))
        }
        for (name, value) in options.headers { rows.append(("header", "\(name): \(printable(value))")) }
        return rows + ShowCommand.payloadRows(schedule.payload, contentType: record.contentType)
    }
}
