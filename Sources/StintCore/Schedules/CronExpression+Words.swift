extension CronExpression {
    /// The expression in plain words, such as "at 02:30 every day" or "every 5 minutes, on Monday to Friday".
    package var words: String {
        let days = dayWords
        guard let times = timesOfDay else { return ([intervalWords] + days).joined(separator: ", ") }
        let isEveryDay = days.isEmpty || dayIsFree
        return (["at \(Self.list(times))"] + (isEveryDay ? ["every day"] : []) + days).joined(separator: " ")
    }

    // MARK: - The time of the day

    /// More times of a day than these are told by their fields.
    private static let mostTimes = 6

    /// The times of a day, if they are fixed and few.
    private var timesOfDay: [String]? {
        let (hours, minutes, seconds) = (hours.values, minutes.values, seconds.values)
        guard !followsClock, hours.count * minutes.count * seconds.count <= Self.mostTimes else { return nil }
        return hours.flatMap { hour in
            minutes.flatMap { minute in
                seconds.map { second in
                    ([hour, minute] + (seconds == [0] ? [] : [second])).map(Self.twoDigits).joined(separator: ":")
                }
            }
        }
    }

    /// From the smallest unit that is not 0 to the hour.
    private var intervalWords: String {
        var units = [Unit(seconds, "second", 60), Unit(minutes, "minute", 60), Unit(hours, "hour", 24)]
        if units[0].values == [0] { units.removeFirst() }
        if units[0].values == [0], units.count == 2, units[1].interval != nil { units.removeFirst() }
        let first = units.removeFirst()
        guard let interval = first.interval else {
            // "of every minute" is enough.
            while units.count > 1, units.suffix(2).allSatisfy(\.isFull) { units.removeLast() }
            return "at \(first.numbers)"
                + units.map { $0.isFull ? " of every \($0.name)" : " of \($0.numbers)" }.joined()
        }
        let every = interval == 1 ? "every \(first.name)" : "every \(interval) \(first.name)s"
        return every + units.filter { !$0.isFull }.map { " in \($0.numbers)" }.joined()
    }

    private struct Unit {
        let name: String
        let values: [Int]
        /// How many of them the next larger unit has.
        let cycle: Int

        init(_ set: CronSet, _ name: String, _ cycle: Int) {
            values = set.values
            self.name = name
            self.cycle = cycle
        }

        var isFull: Bool { values.count == cycle }

        /// Equal intervals over the whole cycle.
        var interval: Int? {
            let interval = values.count > 1 ? values[1] - values[0] : cycle
            guard values.count > 1, cycle % interval == 0, values == Array(stride(from: 0, to: cycle, by: interval))
            else { return nil }
            return interval
        }

        var numbers: String {
            "\(name)\(values.count == 1 ? "" : "s") \(CronExpression.list(CronExpression.runs(values) { "\($0)" }))"
        }
    }

    // MARK: - The day

    private var hasAllDays: Bool { daysOfMonth.values.count == 31 }
    private var hasAllWeekdays: Bool { daysOfWeek.values.count == 7 }
    /// Whether every day of the months matches.
    private var dayIsFree: Bool { takesEitherDay ? hasAllDays || hasAllWeekdays : hasAllDays && hasAllWeekdays }

    /// Which days; empty for every day.
    private var dayWords: [String] {
        let months = months.values.count == 12 ? nil : Self.list(Self.runs(months.values) { Self.monthNames[$0 - 1] })
        guard !dayIsFree else { return months.map { ["in \($0)"] } ?? [] }
        let weekdays = Self.list(Self.runs(daysOfWeek.values) { Self.dayNames[$0] })
        let plural = daysOfMonth.values.count == 1 ? "" : "s"
        let days = "day\(plural) \(Self.list(Self.runs(daysOfMonth.values) { "\($0)" })) of \(months ?? "the month")"
        if !takesEitherDay {
            if hasAllDays { return ["on \(weekdays)" + (months.map { " in \($0)" } ?? "")] }
            return ["on \(days)" + (hasAllWeekdays ? "" : ", if it is \(weekdays)")]
        }
        return ["on \(days) and on each \(weekdays)" + (months.map { " in \($0)" } ?? "")]
    }

    private static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    // MARK: - Lists

    /// Neighbours as "1 to 5", from three of them on.
    private static func runs(_ values: [Int], _ name: (Int) -> String) -> [String] {
        var runs: [ClosedRange<Int>] = []
        for value in values {
            if let last = runs.last, last.upperBound == value - 1 {
                runs[runs.count - 1] = last.lowerBound...value
            } else {
                runs.append(value...value)
            }
        }
        return runs.flatMap { run in
            run.count > 2 ? ["\(name(run.lowerBound)) to \(name(run.upperBound))"] : run.map(name)
        }
    }

    /// "a, b and c".
    private static func list(_ items: [String]) -> String {
        guard let last = items.last, items.count > 1 else { return items.first ?? "" }
        return items.dropLast().joined(separator: ", ") + " and " + last
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
