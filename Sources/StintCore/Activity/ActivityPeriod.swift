/// The length of the buckets in which a store counts what happens. A bucket begins at a whole multiple of its length
/// since 1970, in UTC.
public enum ActivityPeriod: Sendable, Hashable, CaseIterable {
    /// A minute, kept for an hour.
    case minute
    /// An hour, kept for three days.
    case hour

    public var length: Duration { .milliseconds(milliseconds) }

    /// How far back there are buckets.
    public var kept: Duration { .milliseconds(keptMilliseconds) }

    public var milliseconds: Int64 {
        switch self {
        case .minute: 60_000
        case .hour: 3_600_000
        }
    }

    public var keptMilliseconds: Int64 {
        switch self {
        case .minute: 3_600_000
        case .hour: 3 * 86_400_000
        }
    }

    /// The shortest one whose buckets go back so far; the longest one if none does.
    public static func covering(_ last: Duration) -> ActivityPeriod {
        allCases.first { $0.kept >= last } ?? .hour
    }

    /// The start of the bucket that has this time.
    public func start(of time: Timestamp) -> Timestamp {
        let (quotient, remainder) = time.quotientAndRemainder(dividingBy: milliseconds)
        let whole = quotient * milliseconds
        return remainder < 0 && whole >= .min + milliseconds ? whole - milliseconds : whole
    }

    /// The starts of the buckets that have some of the time from `last` ago until now; `nil` if there is no such time.
    public func starts(last: Duration, now: Timestamp) -> ClosedRange<Timestamp>? {
        let last = min(StoredTime.milliseconds(last), keptMilliseconds)
        let now = Self.sane(now)
        return last > 0 ? start(of: now - last)...start(of: now) : nil
    }

    /// The starts of buckets that are kept. Those before were over too long ago. Those after are of a clock that was
    /// far ahead of this one.
    public func keptStarts(now: Timestamp) -> ClosedRange<Timestamp> {
        let now = Self.sane(now)
        return start(of: now - keptMilliseconds)...(now + keptMilliseconds)
    }

    /// Far enough from the ends of the range that sums do not overflow.
    private static func sane(_ time: Timestamp) -> Timestamp { min(max(.min / 2, time), .max / 2) }
}
