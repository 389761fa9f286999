/// Limits a repeated log message: at once, and then at most once a minute, with the number of times.
package struct RepeatedNotice: Sendable {
    package static let interval: Duration = .seconds(60)

    private var lastSaid: ContinuousClock.Instant?
    private var count = 0

    package init() {}

    /// Counts an event. Returns how many there were since the last message, or `nil` if it is not time for another.
    package mutating func happened(at now: ContinuousClock.Instant) -> Int? {
        count += 1
        if let lastSaid, now - lastSaid < Self.interval { return nil }
        lastSaid = now
        defer { count = 0 }
        return count
    }

    /// The problem is over: the next event is logged at once.
    package mutating func reset() { self = RepeatedNotice() }
}
