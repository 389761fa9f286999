/// Whether a worker has missed its heartbeats. It waits a moment longer before it decides, since a supervisor that was
/// paused itself may have unread messages.
struct HeartbeatMonitor: Sendable {
    static let doubt: Duration = .seconds(1)

    private let limit: Duration
    private var doubted: (lastHeard: ContinuousClock.Instant, since: ContinuousClock.Instant)?

    init(limit: Duration) {
        self.limit = limit
    }

    private var doubt: Duration { min(Self.doubt, limit / 4) }

    /// When the result of ``isTooLong(lastHeard:now:)`` may change.
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
