import NIOCore
import StintCore

/// The tubes that connections use or watch, or in which jobs are.
///
/// A tube is a queue of the store. A queue stays when it is empty; a tube is gone once no connection names it and no
/// job is in it, as in beanstalkd.
struct Tubes: Sendable {
    struct Tube: Sendable {
        fileprivate(set) var using = 0
        fileprivate(set) var watching = 0
        /// How many jobs are in it, as far as this server knows: other processes add and delete some too.
        var jobs = 0
        /// Since the tube was made here.
        var totalJobs = 0
        var deletes = 0
        var pauses = 0
        /// In seconds; 0 if it is not paused.
        var pause: UInt32 = 0
        var pausedUntil: NIODeadline?

        fileprivate var isUnused: Bool { using == 0 && watching == 0 && jobs <= 0 }
    }

    private var byName: [QueueName: Tube] = [:]
    /// In the order in which beanstalkd lists them: the last takes the place of one that is gone.
    private(set) var names: [QueueName] = []

    init() {
        make(.default)
    }

    subscript(name: QueueName) -> Tube? { byName[name] }

    private mutating func make(_ name: QueueName) {
        guard byName[name] == nil else { return }
        byName[name] = Tube()
        names.append(name)
    }

    private mutating func removeIfUnused(_ name: QueueName) {
        guard name != .default, byName[name]?.isUnused == true, let place = names.firstIndex(of: name) else { return }
        byName[name] = nil
        names.swapAt(place, names.count - 1)
        names.removeLast()
    }

    mutating func beginUse(_ name: QueueName) {
        make(name)
        byName[name]!.using += 1
    }

    mutating func endUse(_ name: QueueName) {
        byName[name]!.using -= 1
        removeIfUnused(name)
    }

    mutating func beginWatch(_ name: QueueName) {
        make(name)
        byName[name]!.watching += 1
    }

    mutating func endWatch(_ name: QueueName) {
        byName[name]!.watching -= 1
        removeIfUnused(name)
    }

    /// Changes a tube that exists, and nothing if it does not.
    mutating func change(_ name: QueueName, _ change: (inout Tube) -> Void) {
        guard byName[name] != nil else { return }
        change(&byName[name]!)
        removeIfUnused(name)
    }

    mutating func addJob(to name: QueueName) {
        make(name)
        byName[name]!.jobs += 1
        byName[name]!.totalJobs += 1
    }

    /// What the store counts in its queues.
    mutating func setJobs(_ counts: [QueueName: Int]) {
        for name in counts.keys.sorted() where counts[name]! > 0 { make(name) }
        for name in names { change(name) { $0.jobs = counts[name] ?? 0 } }
    }

    /// The paused ones, and when the first of them goes on.
    var paused: Set<QueueName> { Set(names.filter { byName[$0]?.pausedUntil != nil }) }

    mutating func pause(_ name: QueueName, seconds: UInt32, at now: NIODeadline) -> NIODeadline? {
        guard byName[name] != nil else { return nil }
        // beanstalkd pauses for a moment at least, so that those who wait look again.
        let until = now + (seconds == 0 ? .nanoseconds(1) : .seconds(Int64(seconds)))
        byName[name]!.pause = seconds
        byName[name]!.pausedUntil = until
        byName[name]!.pauses += 1
        return until
    }

    /// Ends the pauses whose time is over.
    ///
    /// - Returns: The tubes that go on.
    @discardableResult
    mutating func endPauses(at now: NIODeadline) -> [QueueName] {
        let over = names.filter { name in byName[name]?.pausedUntil.map { $0 <= now } ?? false }
        for name in over {
            byName[name]!.pause = 0
            byName[name]!.pausedUntil = nil
        }
        return over
    }
}
