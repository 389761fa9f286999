/// Whether a worker has been silent for too long. Who seems to be is heard out for a moment more, since what it said may
/// wait to be read by a supervisor that has just been away itself.
struct HeartbeatMonitor: Sendable {
    static let doubt: Duration = .seconds(1)

    private let limit: Duration
    private var doubted: (lastHeard: ContinuousClock.Instant, since: ContinuousClock.Instant)?

    init(limit: Duration) {
        self.limit = limit
    }

    private var doubt: Duration { min(Self.doubt, limit / 4) }

    /// When ``isTooLong(lastHeard:)`` may have something new to say.
    func nextLook(lastHeard: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard let doubted, doubted.lastHeard == lastHeard else { return lastHeard + limit - doubt }
        return max(doubted.since + doubt, lastHeard + limit)
    }

    mutating func isTooLong(lastHeard: ContinuousClock.Instant, now: ContinuousClock.Instant) -> Bool {
        guard now >= lastHeard + limit - doubt else { return false }
        if let doubted, doubted.lastHeard == lastHeard {
            return now >= doubted.since + doubt && now >= lastHeard + limit
        }
        doubted = (lastHeard, now)
        return false
    }
}
