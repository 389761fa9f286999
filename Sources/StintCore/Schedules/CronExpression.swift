/// Times in the notation of crontab(5): minute, hour, day of month, month and day of week, or six fields with the
/// second first. A value of this type is valid and comes again and again.
///
/// A field is `*`, a number, a range `9-17`, a list `1,15`, or one of them with a step: `*/5`, `9-17/2`, `5/15` (from 5
/// to the end). Months and days of the week have names, `JAN` to `DEC` and `SUN` to `SAT`; 0 and 7 are Sunday. If both
/// days are restricted, one of them is enough, as in cron: `0 0 13 * FRI` is each 13th and each Friday. A field that
/// begins with `*` does not restrict, also with a step, but both must match then. `@hourly`, `@daily` (`@midnight`),
/// `@weekly`, `@monthly` and `@yearly` (`@annually`) are known.
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// The longest expression, in bytes.
    public static let maximumBytes = 1_000

    /// As it was written, with one space between the fields.
    public let description: String

    let seconds: CronSet
    let minutes: CronSet
    let hours: CronSet
    let daysOfMonth: CronSet
    let months: CronSet
    let daysOfWeek: CronSet

    private static let shortcuts = [
        "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
    ]

    /// - Throws: ``StintError`` with the code `invalidInput` that names the field and what was expected.
    public init(_ text: String) throws {
        guard text.utf8.count <= Self.maximumBytes else {
            throw StintError.invalidInput(
                "the cron expression has \(text.utf8.count) bytes; at most \(Self.maximumBytes) are allowed")
        }
        var fields = Self.fields(of: text)
        description = fields.map { String(Substring($0)) }.joined(separator: " ")
        if fields.count == 1, fields[0].first == UInt8(ascii: "@") {
            guard let long = Self.shortcuts[description.lowercased()] else {
                throw StintError.invalidInput(
                    "the cron expression \(quoted(description)) is not known: it must be @hourly, @daily, @midnight, "
                        + "@weekly, @monthly, @yearly, @annually, or five fields")
            }
            fields = Self.fields(of: long)
        }
        guard (5...6).contains(fields.count) else {
            throw StintError.invalidInput(
                "the cron expression \(quoted(text)) has \(fields.count) field\(fields.count == 1 ? "" : "s"): it must "
                    + "have five (minute, hour, day of month, month, day of week), or six with the second first")
        }
        seconds = fields.count == 6 ? try CronSet(fields.removeFirst(), .second, in: description) : .zero
        minutes = try CronSet(fields[0], .minute, in: description)
        hours = try CronSet(fields[1], .hour, in: description)
        daysOfMonth = try CronSet(fields[2], .dayOfMonth, in: description)
        months = try CronSet(fields[3], .month, in: description)
        daysOfWeek = try CronSet(fields[4], .dayOfWeek, in: description)
        guard comes else {
            throw StintError.invalidInput(
                "the cron expression \(quoted(description)) never comes: its months have no such day of month")
        }
    }

    private static func fields(of text: String) -> [Substring.UTF8View] {
        text[...].utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    /// Whether the second, the minute or the hour begins with `*`. Such jobs follow the clock when it is changed for
    /// daylight saving; others have a fixed time of the day and run once.
    var followsClock: Bool { seconds.isWildcard || minutes.isWildcard || hours.isWildcard }

    /// Whether one of the two days is enough.
    var takesEitherDay: Bool { !daysOfMonth.isWildcard && !daysOfWeek.isWildcard }

    /// Whether any day of any year matches. Each date falls on each day of the week in some year.
    private var comes: Bool {
        takesEitherDay
            || months.values.contains { daysOfMonth.smallest <= CivilDate.longestLength(ofMonth: $0) }
    }
}
