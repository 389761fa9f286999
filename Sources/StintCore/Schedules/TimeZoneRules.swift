import StintPlatform

/// When the clocks of a time zone were and will be changed, from the system's zone files: the same that cron uses, and
/// updated with the system. (Foundation has a copy of its own, which is as old as the toolchain.)
struct TimeZoneRules: Sendable {
    /// A stretch of time without a change of the clock, in seconds since 1970 UTC. Its local times are `offset` seconds
    /// ahead of UTC.
    struct Period: Hashable {
        static let earliest: Int64 = -1 << 48
        static let latest: Int64 = 1 << 48

        var start = earliest
        /// The start of the next one.
        var end = latest
        let offset: Int64
    }

    /// Its IANA name.
    let name: String
    /// The changes of the file, in seconds since 1970, and the offset from each of them on.
    private let changes: [(time: Int64, offset: Int64)]
    private let firstOffset: Int64
    /// From the last change on; `nil`: the last offset holds for ever.
    private let rule: YearlyClockChange?

    static let utc = TimeZoneRules(name: "UTC", changes: [], firstOffset: 0, rule: nil)

    init(name: String, changes: [(time: Int64, offset: Int64)], firstOffset: Int64, rule: YearlyClockChange?) {
        self.name = name
        self.changes = changes
        self.firstOffset = firstOffset
        self.rule = rule
    }

    /// The stretch in which a time is.
    func period(at time: Int64) -> Period {
        let known = changes.last?.time ?? Period.earliest
        if let rule, time >= known {
            var period = rule.period(at: time)
            period.start = max(period.start, known)
            return period
        }
        // The number of changes up to then.
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        var period = Period(offset: low == 0 ? firstOffset : changes[low - 1].offset)
        if low > 0 { period.start = changes[low - 1].time }
        if low < changes.count { period.end = changes[low].time }
        return period
    }
}

extension TimeZoneRules: Hashable {
    static func == (left: TimeZoneRules, right: TimeZoneRules) -> Bool { left.name == right.name }
    func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
