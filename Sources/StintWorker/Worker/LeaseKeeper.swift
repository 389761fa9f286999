import StintCore

/// The deadlines of a worker's leases by the monotonic clock, in milliseconds, measured from before the claim or the
/// extension. The store's deadlines are never earlier.
struct LeaseKeeper: Sendable {
    let duration: Duration
    private var deadlines: [FencingToken: Int64] = [:]

    init(duration: Duration) {
        self.duration = duration
    }

    /// - Parameter now: From before the claim or the extension.
    mutating func granted(_ leases: some Sequence<Lease>, at now: Int64) {
        for token in Set(leases.map(\.token)) { deadlines[token] = now + duration.milliseconds }
    }

    /// Forgets what is not held any more.
    mutating func keepOnly(_ held: [Lease]) {
        let tokens = Set(held.map(\.token))
        deadlines = deadlines.filter { tokens.contains($0.key) }
    }

    /// Those that need to be extended now. A lease that has most of its time left needs no write.
    func due(_ held: [Lease], at now: Int64) -> [Lease] {
        let soon = now + duration.milliseconds * 2 / 3
        return held.filter { deadlines[$0.token, default: 0] <= soon }
    }

    /// Whether it may have ended. One that is not known here has not.
    func isPast(_ lease: Lease, at now: Int64) -> Bool { deadlines[lease.token, default: .max] <= now }

    /// Whether a claim that was begun at `claim` has waited for so long that a good part of its leases is gone.
    func isShort(claimedAt claim: Int64, now: Int64) -> Bool { now - claim > duration.milliseconds / 3 }
}
