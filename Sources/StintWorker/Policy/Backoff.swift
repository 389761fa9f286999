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
        // 2^40 times any first delay is above any longest one.
        let delay = min(longest, first * (1 << min(failures, 40)))
        failures += 1
        return delay
    }

    mutating func reset() { failures = 0 }
}
