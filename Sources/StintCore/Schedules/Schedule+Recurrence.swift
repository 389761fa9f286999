#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Schedule {
    /// When a schedule ticks: at the times of a cron expression in a time zone, or after equal intervals.
    public struct Recurrence: Sendable, Hashable, CustomStringConvertible {
        package enum Kind: Sendable, Hashable {
            case cron(CronExpression, zone: String)
            /// At `origin` and each time `interval` milliseconds later or earlier.
            case every(interval: Int64, origin: Timestamp)
        }

        /// The shortest interval.
        public static let minimumInterval: Duration = .seconds(1)

        package let kind: Kind
        private let rules: TimeZoneRules

        private init(_ kind: Kind, _ rules: TimeZoneRules = .utc) {
            self.kind = kind
            self.rules = rules
        }

        /// At the times of a cron expression.
        ///
        /// - Parameters:
        ///   - expression: Five fields, or six with the second first; see ``CronExpression``.
        ///   - timeZone: An IANA name, such as `Europe/Berlin`; `nil`: the machine's, as for cron.
        /// - Throws: ``StintError`` with the code `invalidInput`.
        public static func cron(_ expression: String, timeZone: String? = nil) throws -> Recurrence {
            try cron(try CronExpression(expression), timeZone: timeZone)
        }

        /// At the times of a cron expression.
        ///
        /// - Parameter timeZone: An IANA name, such as `Europe/Berlin`; `nil`: the machine's, as for cron.
        /// - Throws: ``StintError`` with the code `invalidInput`.
        public static func cron(_ expression: CronExpression, timeZone: String? = nil) throws -> Recurrence {
            let rules = try timeZone.map(TimeZoneRules.init(named:)) ?? (try .ofMachine())
            return Recurrence(.cron(expression, zone: rules.name), rules)
        }

        /// Each time an interval has passed, counted from `origin` in both directions. With the usual origin, `.every`
        /// an hour is at each full hour of UTC, whenever the schedule was made.
        ///
        /// - Parameter interval: At least a second and at most 100 years.
        /// - Throws: ``StintError`` with the code `invalidInput`.
        public static func every(
            _ interval: Duration, from origin: Date = Date(timeIntervalSince1970: 0)
        ) throws -> Recurrence {
            guard (minimumInterval...NewJob.maximumDelay).contains(interval) else {
                throw StintError.invalidInput(
                    "the interval of the schedule is \(interval): it must be at least 1 second and at most 100 years")
            }
            guard times.contains(origin.timestamp) else {
                throw StintError.invalidInput(
                    "the origin of the schedule is out of range: it must be in the years 1 to 9999")
            }
            return Recurrence(.every(interval: interval.milliseconds, origin: origin.timestamp))
        }

        /// For one that a store has kept.
        package init(stored kind: Kind) throws {
            switch kind {
            case .cron(let expression, let zone): self = try .cron(expression, timeZone: zone)
            case .every(let interval, let origin): self = try .every(.milliseconds(interval), from: Date(origin))
            }
        }

        /// In plain words: "at 02:30 every day, Europe/Berlin", "every 90 seconds".
        public var description: String {
            switch kind {
            case .cron(let expression, let zone): return "\(expression.words), \(zone)"
            case .every(let interval, let origin):
                let from = origin == 0 ? "" : ", counted from \(utcText(origin))"
                return "every \(Self.words(interval))\(from)"
            }
        }

        private static func words(_ milliseconds: Int64) -> String {
            if milliseconds < 120_000, milliseconds > 60_000, milliseconds % 1_000 == 0 {
                return "\(milliseconds / 1_000) seconds"
            }
            var rest = milliseconds
            let units = [
                ("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000), ("millisecond", 1),
            ]
            let parts: [(count: Int64, name: String)] = units.compactMap { name, size in
                defer { rest %= Int64(size) }
                return rest >= size ? (rest / Int64(size), name) : nil
            }
            if parts.count == 1, parts[0].count == 1 { return parts[0].name }
            return parts.map { "\($0.count) \($0.name)\($0.count == 1 ? "" : "s")" }.joined(separator: " ")
        }

        /// The years 1 to 9999.
        private static let times: ClosedRange<Timestamp> = -62_135_596_800_000...253_402_300_799_999

        /// The first tick after a time; `nil` if there is none in the next hundred years.
        public func next(after time: Date) -> Date? {
            next(after: time.timestamp).map { Date($0) }
        }

        /// The same by stored times, for stores.
        public func next(after time: Timestamp) -> Timestamp? {
            guard time <= Self.times.upperBound else { return nil }
            let time = max(time, Self.times.lowerBound)
            switch kind {
            case .cron(let expression, _):
                return expression.next(from: time.dividedDown(by: 1_000) + 1, in: rules).map { $0 * 1_000 }
            case .every(let interval, let origin):
                return origin + ((time - origin).dividedDown(by: interval) + 1) * interval
            }
        }
    }
}
