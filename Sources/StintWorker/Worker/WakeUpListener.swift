import StintCore

/// What a worker knows of jobs to come: from wake-ups, and from looks of its own. A wake-up may be missed, so what is
/// known is trusted for a while only.
struct WakeUpListener: Sendable {
    /// ``NextReady`` by this worker's own clock.
    enum Expected: Hashable, Sendable {
        case now
        case at(ContinuousClock.Instant)
        case unknown

        init(_ next: NextReady, at now: ContinuousClock.Instant) {
            switch next {
            case .now: self = .now
            case .after(let duration): self = .at(now + duration)
            case .unknown: self = .unknown
            }
        }
    }

    /// The last claim may have left jobs behind, or others came since.
    var mayFindJobs = true
    /// How often it was notified that jobs are ready.
    private(set) var wakeUps = 0
    /// When a claim may find something, as it was notified or read since the last visit to the store.
    private(set) var known: Expected?
    /// How often anything was notified.
    private var notifications = 0
    /// How often it began to listen: a late notification of an earlier time does not count.
    private(set) var period = 0
    private var lastLook: ContinuousClock.Instant

    init(at now: ContinuousClock.Instant = .now) {
        lastLook = now
    }

    mutating func beginListening() {
        // What was known may have changed while this worker did not listen.
        known = nil
        period += 1
    }

    mutating func forget() { known = nil }

    /// - Parameter passesOverSuspects: Then what is ready may be suspects, which it does not take: it looks for others.
    /// - Returns: Whether the worker must be woken for it.
    mutating func notified(
        _ next: NextReady, in period: Int, passesOverSuspects: Bool, at now: ContinuousClock.Instant
    ) -> Bool {
        let expected = Expected(next, at: now)
        guard period == self.period, next == .now || !isKnown(expected) else { return false }
        // The worker wakes at the earlier time, and then knows this one.
        if case (.at(let earlier)?, .at(let later)) = (known, expected), earlier < later {
            known = expected
            return false
        }
        known = expected
        notifications += 1
        guard next == .now else { return true }
        wakeUps += 1
        if passesOverSuspects { known = nil } else { mayFindJobs = true }
        return true
    }

    /// How much two answers about the same time may differ: a store may read a clock of whole milliseconds, and each
    /// answer takes a while to arrive.
    private static let earlier: Duration = .milliseconds(1), later: Duration = .milliseconds(50)

    private func isKnown(_ expected: Expected) -> Bool {
        guard case (.at(let known)?, .at(let time)) = (known, expected) else { return expected == known }
        return (known - Self.earlier...known + Self.later).contains(time)
    }

    // MARK: - Looks of its own

    /// What is known, if that is not too old; `nil`: it is time to read the store.
    func trusted(for interval: Duration, at now: ContinuousClock.Instant) -> Expected? {
        now - lastLook < interval ? known : nil
    }

    /// - Returns: To be given to ``hasRead(_:since:at:)``.
    mutating func beginsToRead(at now: ContinuousClock.Instant) -> Int {
        lastLook = now
        return notifications
    }

    /// What was notified meanwhile may be newer; the loop was woken for it.
    ///
    /// - Returns: What was read, by this worker's own clock.
    @discardableResult
    mutating func hasRead(_ next: NextReady, since notifications: Int, at now: ContinuousClock.Instant) -> Expected {
        let expected = Expected(next, at: now)
        if notifications == self.notifications { known = expected }
        return expected
    }

    func timeUntilLook(_ interval: Duration, at now: ContinuousClock.Instant) -> Duration {
        max(.zero, interval - (now - lastLook))
    }
}
