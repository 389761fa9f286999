/// Says the same thing once, and then at most once a minute, with the number of times.
struct RepeatedNotice: Sendable {
    static let interval: Duration = .seconds(60)

    private var lastSaid: ContinuousClock.Instant?
    private var count = 0

    /// It happened. How often since it was last said; `nil` where it is not time to say it again.
    mutating func happened(at now: ContinuousClock.Instant) -> Int? {
        count += 1
        if let lastSaid, now - lastSaid < Self.interval { return nil }
        lastSaid = now
        defer { count = 0 }
        return count
    }

    /// It is over: the next time is said at once.
    mutating func reset() { self = RepeatedNotice() }
}
