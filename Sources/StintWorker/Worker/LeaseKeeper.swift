import StintCore

/// The deadlines of a worker's leases by its own monotonic clock, measured from before the claim or the extension. The
/// store's deadlines are never earlier, by whatever clock it measures them.
struct LeaseKeeper: Sendable {
    let duration: Duration
    private(set) var deadlines: [FencingToken: ContinuousClock.Instant] = [:]
    /// When jobs expire that are held and have an expiry.
    private var expiries: [Lease: ContinuousClock.Instant] = [:]

    /// How much earlier than the store's a deadline may have to be: a store may read a clock of whole milliseconds.
    private static let resolution: Duration = .milliseconds(1)

    init(duration: Duration) {
        self.duration = duration
    }

    /// - Parameter now: From before the claim or the extension.
    mutating func granted(_ leases: some Sequence<Lease>, at now: ContinuousClock.Instant) {
        var last: FencingToken?
        // The leases of a claim, which have the same token, follow one another.
        for lease in leases where lease.token != last {
            deadlines[lease.token] = now + duration - Self.resolution
            last = lease.token
        }
    }

    /// - Parameter now: From before the claim.
    mutating func claimed(_ jobs: [LeasedJob], at now: ContinuousClock.Instant) {
        granted(jobs.lazy.map(\.lease), at: now)
        for job in jobs { if let expiry = job.expiresIn { expiries[job.lease] = now + expiry } }
    }

    /// Whether it must not be started any more.
    func isExpired(_ job: Lease, at now: ContinuousClock.Instant) -> Bool { expiries[job].map { $0 <= now } ?? false }

    /// Forgets what is not held any more.
    mutating func keepOnly(_ held: [Lease]) {
        if !expiries.isEmpty {
            let held = Set(held)
            expiries = expiries.filter { held.contains($0.key) }
        }
        let tokens = Set(held.map(\.token))
        deadlines = deadlines.filter { tokens.contains($0.key) }
    }

    /// Those that need to be extended now. A lease that has most of its time left needs no write.
    func due(_ held: [Lease], at now: ContinuousClock.Instant) -> [Lease] {
        let soon = now + duration * 2 / 3
        return held.filter { lease in deadlines[lease.token].map { $0 <= soon } ?? true }
    }

    /// Whether it may have ended. One that is not known here has not.
    func isPast(_ lease: Lease, at now: ContinuousClock.Instant) -> Bool {
        deadlines[lease.token].map { $0 <= now } ?? false
    }

    /// Whether a claim that was begun at `claim` has waited for so long that a good part of its leases is gone.
    func isShort(claimedAt claim: ContinuousClock.Instant, now: ContinuousClock.Instant) -> Bool {
        now - claim > duration / 3
    }
}
