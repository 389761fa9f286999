import StintCore

/// What a worker knows of jobs to come: from wake-ups, and from looks of its own. A wake-up may be missed, so what is
/// known is trusted for a while only.
struct WakeUpListener: Sendable {
    /// The last claim may have left jobs behind, or others came since.
    var mayFindJobs = true
    /// How often it was notified that jobs are ready.
    private(set) var wakeUps = 0
    /// When a claim may find something, as it was notified or read since the last visit to the store.
    private(set) var known: NextReady?
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
    /// - Returns: Whether it is news.
    mutating func notified(_ next: NextReady, in period: Int, passesOverSuspects: Bool) -> Bool {
        guard period == self.period, next == .now || next != known else { return false }
        known = next
        notifications += 1
        guard next == .now else { return true }
        wakeUps += 1
        if passesOverSuspects { known = nil } else { mayFindJobs = true }
        return true
    }

    // MARK: - Looks of its own

    /// What is known, if that is not too old; `nil`: it is time to read the store.
    func trusted(for interval: Duration, at now: ContinuousClock.Instant) -> NextReady? {
        now - lastLook < interval ? known : nil
    }

    /// - Returns: To be given to ``hasRead(_:since:)``.
    mutating func beginsToRead(at now: ContinuousClock.Instant) -> Int {
        lastLook = now
        return notifications
    }

    /// What was notified meanwhile may be newer; the loop was woken for it.
    mutating func hasRead(_ next: NextReady, since notifications: Int) {
        if notifications == self.notifications { known = next }
    }

    func timeUntilLook(_ interval: Duration, at now: ContinuousClock.Instant) -> Duration {
        max(.zero, interval - (now - lastLook))
    }
}
