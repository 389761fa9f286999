import StintCore
import StintPlatform
import Synchronization

/// Where the sweeps over the groups are: each reads a bounded number of them, once a minute, and the next one goes on
/// from there.
final class GroupSweep: Sendable {
    private let looks = RareLook(every: .seconds(60))
    private let place = Mutex(Place())

    struct Place: Sendable, Equatable {
        /// The last group with ready jobs that was looked at.
        var ready: Int64 = .min
        /// The last group that was looked at, of all.
        var group: Int64 = 0
    }

    /// What a sweep has found.
    struct Findings: Sendable {
        /// Groups with ready jobs that no claim would find.
        var stuck: [GroupOfQueue] = []
        /// Groups that no job names, or with starts that count no more.
        var idle: [GroupOfQueue] = []
        /// Queues whose kept number of leased jobs is wrong, so that their limit is.
        var miscounted: [Int64] = []
        var next = Place()
        /// Whether it has found as much as one transaction may change.
        var isFull = false

        var isEmpty: Bool { stuck.isEmpty && idle.isEmpty && miscounted.isEmpty }
    }

    /// Where to begin; `nil`: it is not time.
    func begin(_ now: ClockReading) -> Place? {
        looks.isTime(now) ? place.withLock(\.self) : nil
    }

    /// After the findings have been dealt with.
    /// - Parameter hasChanged: Whether anything was changed. What cannot be changed must not be found again at once.
    func goOn(after findings: Findings, hasChanged: Bool = false) {
        place.withLock { $0 = findings.next }
        if findings.isFull && hasChanged { looks.forget() }
    }

    /// See ``RareLook/forget()``.
    func forget() {
        looks.forget()
        place.withLock { $0 = Place() }
    }
}

struct GroupOfQueue: Sendable, Hashable {
    let queue: Int64
    let group: Int64
}
