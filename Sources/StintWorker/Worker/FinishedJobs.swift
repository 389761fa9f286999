import StintCore

/// The jobs that have ended and wait to be settled, which happens with the next visit to the store.
struct FinishedJobs: Sendable {
    typealias Instant = ContinuousClock.Instant

    private(set) var all: [FinishedJob] = []
    /// Of the jobs that they enqueue.
    private(set) var bytes = 0
    /// Since when the first of them has been waiting; `nil` if there is none.
    private(set) var waitingSince: Instant?

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }
    var leases: [Lease] { all.map(\.lease) }

    /// - Returns: Whether it is the only one.
    mutating func add(_ job: FinishedJob, at now: Instant) -> Bool {
        all.append(job)
        bytes += job.bytes
        guard waitingSince == nil else { return false }
        waitingSince = now
        return true
    }

    /// - Returns: Those that are removed.
    mutating func removeAll(where isRemoved: (FinishedJob) -> Bool = { _ in true }) -> [FinishedJob] {
        let removed = all.filter(isRemoved)
        all.removeAll(where: isRemoved)
        bytes = all.reduce(0) { $0 + $1.bytes }
        if all.isEmpty { waitingSince = nil }
        return removed
    }

    /// After a transaction that the store refused: those that enqueue nothing, since a full disk has room for nothing else;
    /// or else one of the others, since it may be refused for its size: the last, and those that were put back are the first.
    ///
    /// - Returns: Those that are removed.
    mutating func removeAfterFailure() -> [FinishedJob] {
        let small = removeAll { $0.settlement.followUps.isEmpty }
        guard small.isEmpty, let last = all.last?.lease else { return small }
        return removeAll { $0.lease == last }
    }

    /// They could not be settled after all: they are settled again before the others. A lost ack would run a job twice.
    mutating func putBack(_ jobs: [FinishedJob], at now: Instant) {
        all = jobs + all
        bytes = all.reduce(0) { $0 + $1.bytes }
        waitingSince = all.isEmpty ? nil : now
    }

    /// How long the first of them may still wait for others, if it may wait for `delay`; `nil` if there is none.
    func timeUntilDue(after delay: Duration, at now: Instant) -> Duration? {
        waitingSince.map { max(.zero, delay - (now - $0)) }
    }
}
