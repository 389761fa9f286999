/// Growing delays: the first, then twice as long each time, up to the longest.
struct Backoff: Sendable {
    let first: Duration
    let longest: Duration
    private(set) var failures = 0

    init(first: Duration = .milliseconds(100), longest: Duration = .seconds(30)) {
        self.first = first
        self.longest = longest
    }

    /// How long to wait after one more failure.
    mutating func next() -> Duration {
        // 2^40 times anything is past the longest that anybody wants.
        let delay = min(longest, first * (1 << min(failures, 40)))
        failures += 1
        return delay
    }

    mutating func reset() { failures = 0 }
}

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
