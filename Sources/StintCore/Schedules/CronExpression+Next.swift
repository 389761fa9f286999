extension CronExpression {
    /// How far ahead to look. The rarest date, a leap day on one day of the week, comes after at most 40 years.
    private static let horizon: Int64 = 100 * 366 * CivilDate.secondsPerDay
    /// A change of the clock by this much or more is a correction and not daylight saving (cronie's limit): times that
    /// it skips are not made up for.
    private static let longestGap: Int64 = 3 * 3_600

    /// The first second from `start` on at which it comes, in seconds since 1970 UTC; `nil` if there is none in a
    /// hundred years, because all of them are skipped by daylight saving.
    ///
    /// The rules are those of cronie (cron.c): a fixed time that is skipped comes once, right after; one that is
    /// doubled comes at the first time; what follows the clock comes whenever the clock shows it.
    func next(from start: Int64, in zone: TimeZoneRules) -> Int64? {
        let limit = start + Self.horizon
        var period = zone.period(at: start)
        while true {
            var earliest = max(period.start, start) + period.offset
            if !followsClock, period.start > TimeZoneRules.Period.earliest {
                // What the clock showed last, if it had not been changed.
                let expected = period.start + zone.period(at: period.start - 1).offset
                let shown = period.start + period.offset
                if period.start >= start, shown > expected, shown - expected < Self.longestGap,
                    firstMatch(in: expected..<shown) != nil
                {
                    return period.start
                }
                // What the clock shows for the second time is over.
                earliest = max(earliest, expected)
            }
            let end = min(period.end, limit) + period.offset
            if earliest < end, let match = firstMatch(in: earliest..<end) { return match - period.offset }
            guard period.end < limit else { return nil }
            period = zone.period(at: period.end)
        }
    }

    /// The first match in a range of local times: seconds since 1970 as the clock shows them.
    private func firstMatch(in range: Range<Int64>) -> Int64? {
        var day = range.lowerBound.dividedDown(by: CivilDate.secondsPerDay)
        var second = Int(range.lowerBound.remainder(by: CivilDate.secondsPerDay))
        while day * CivilDate.secondsPerDay < range.upperBound {
            let date = CivilDate(day: day)
            guard months.contains(date.month) else {
                (day, second) = (firstDay(ofMonthAfter: date), 0)
                continue
            }
            if matches(date, CivilDate.weekday(ofDay: day)), let time = firstTime(from: second) {
                let match = day * CivilDate.secondsPerDay + Int64(time)
                return match < range.upperBound ? match : nil
            }
            (day, second) = (day + 1, 0)
        }
        return nil
    }

    private func matches(_ date: CivilDate, _ weekday: Int) -> Bool {
        let (isDay, isWeekday) = (daysOfMonth.contains(date.day), daysOfWeek.contains(weekday))
        return takesEitherDay ? isDay || isWeekday : isDay && isWeekday
    }

    private func firstDay(ofMonthAfter date: CivilDate) -> Int64 {
        if let month = months.first(from: date.month + 1) {
            return CivilDate(year: date.year, month: month, day: 1).dayNumber
        }
        return CivilDate(year: date.year + 1, month: months.smallest, day: 1).dayNumber
    }

    /// The first matching second of a day.
    private func firstTime(from second: Int) -> Int? {
        let (hour, minute) = (second / 3_600, second / 60 % 60)
        if hours.contains(hour) {
            if minutes.contains(minute), let exact = seconds.first(from: second % 60) {
                return hour * 3_600 + minute * 60 + exact
            }
            if let later = minutes.first(from: minute + 1) {
                return hour * 3_600 + later * 60 + seconds.smallest
            }
        }
        return hours.first(from: hour + 1).map { $0 * 3_600 + minutes.smallest * 60 + seconds.smallest }
    }
}
