/// The rule after the last change of a zone file, as in the environment variable TZ of POSIX:
/// `CET-1CEST,M3.5.0,M10.5.0/3`.
struct YearlyClockChange: Sendable, Hashable {
    private enum Day: Hashable {
        /// `Mm.w.d`: the week-th such weekday of the month; 5 is the last.
        case weekday(month: Int, week: Int, weekday: Int)
        /// `Jn`: 1 to 365, without leap days.
        case dayWithoutLeap(Int)
        /// `n`: 0 to 365.
        case dayOfYear(Int)

        /// Days since 1970.
        func number(in year: Int64) -> Int64 {
            let newYear = CivilDate(year: year, month: 1, day: 1).dayNumber
            switch self {
            case .dayOfYear(let day): return newYear + Int64(day)
            case .dayWithoutLeap(let day):
                return newYear + Int64(day - 1 + (day >= 60 && CivilDate.isLeap(year) ? 1 : 0))
            case .weekday(let month, let week, let weekday):
                let first = CivilDate(year: year, month: month, day: 1).dayNumber
                let next = CivilDate(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1).dayNumber
                var day = first + Int64((weekday - CivilDate.weekday(ofDay: first) + 7) % 7 + (week - 1) * 7)
                if day >= next { day -= 7 }
                return day
            }
        }
    }

    private struct Change: Hashable {
        let day: Day
        /// Seconds after midnight, local time before the change.
        let time: Int64
    }

    private struct Summer: Hashable {
        let offset: Int64
        let start: Change
        let end: Change
    }

    private let standardOffset: Int64
    private let summer: Summer?

    func period(at time: Int64) -> TimeZoneRules.Period {
        guard let summer else { return TimeZoneRules.Period(offset: standardOffset) }
        let year = CivilDate(day: (time + standardOffset).dividedDown(by: CivilDate.secondsPerDay)).year
        let changes = (year - 1...year + 1).flatMap { year in
            let (start, end) = (summer.start, summer.end)
            return [
                (
                    time: end.day.number(in: year) * CivilDate.secondsPerDay + end.time - summer.offset,
                    offset: standardOffset
                ),
                (
                    time: start.day.number(in: year) * CivilDate.secondsPerDay + start.time - standardOffset,
                    offset: summer.offset
                ),
            ]
        }
        // Of two at the same time the start of summer is last: there are zones whose summer lasts all the year.
        .enumerated().sorted { ($0.element.time, $0.offset % 2) < ($1.element.time, $1.offset % 2) }.map(\.element)
        guard let next = changes.firstIndex(where: { $0.time > time }), next > 0 else {
            return TimeZoneRules.Period(offset: standardOffset)
        }
        return TimeZoneRules.Period(
            start: changes[next - 1].time, end: changes[next].time, offset: changes[next - 1].offset)
    }

    /// - Returns: `nil` if the text does not have this form.
    init?(_ text: [UInt8]) {
        var reader = Reader(rest: text[...])
        guard reader.skipName(), let west = reader.duration(hours: 24) else { return nil }
        standardOffset = -west
        guard !reader.rest.isEmpty else {
            summer = nil
            return
        }
        guard reader.skipName() else { return nil }
        var offset = standardOffset + 3_600
        if reader.rest.first != UInt8(ascii: ",") {
            guard let west = reader.duration(hours: 24) else { return nil }
            offset = -west
        }
        guard let start = reader.change(), let end = reader.change(), reader.rest.isEmpty else { return nil }
        summer = Summer(offset: offset, start: start, end: end)
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func skipName() -> Bool {
            let before = rest.count
            if skip("<") {
                rest = rest.drop { $0 != UInt8(ascii: ">") }
                return skip(">")
            }
            rest = rest.drop { (0x41...0x5A).contains($0 & 0xDF) }
            return rest.count < before
        }

        mutating func number(_ range: ClosedRange<Int>) -> Int? {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard (1...3).contains(digits.count), let number = Int(String(decoding: digits, as: UTF8.self)),
                range.contains(number)
            else { return nil }
            rest = rest.dropFirst(digits.count)
            return number
        }

        /// `hh[:mm[:ss]]`, with a sign.
        mutating func duration(hours: Int) -> Int64? {
            let isNegative = skip("-")
            if !isNegative { _ = skip("+") }
            guard var seconds = number(0...hours).map({ $0 * 3_600 }) else { return nil }
            for unit in [60, 1] {
                guard skip(":") else { break }
                guard let part = number(0...59) else { return nil }
                seconds += part * unit
            }
            return Int64(isNegative ? -seconds : seconds)
        }

        mutating func change() -> Change? {
            guard skip(","), let day = day() else { return nil }
            guard skip("/") else { return Change(day: day, time: 7_200) }
            return duration(hours: 167).map { Change(day: day, time: $0) }
        }

        private mutating func day() -> Day? {
            if skip("J") { return number(1...365).map { .dayWithoutLeap($0) } }
            guard skip("M") else { return number(0...365).map { .dayOfYear($0) } }
            guard let month = number(1...12), skip("."), let week = number(1...5), skip("."),
                let weekday = number(0...6)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
    }
}
