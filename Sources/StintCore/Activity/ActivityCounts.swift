/// What happened to jobs of a queue in some time. Everything is counted in the transaction that does it, by all
/// processes, so nothing is lost and nothing counts twice.
public struct ActivityCounts: Sendable, Hashable {
    /// Jobs that were added. Not those that an enqueue found to be there already, replaced or put into a digest.
    public var enqueued = 0
    /// Claims of a job, whether or not its holder started it.
    public var started = 0
    /// Jobs that were acknowledged.
    public var done = 0
    /// Attempts that failed.
    public var failed = 0
    /// Attempts during which the process died, and that are blamed on their job.
    public var crashed = 0
    /// Attempts of which nobody knows the end, and that cost their job nothing: the lease ran out, or the worker ended
    /// together with its supervisor or machine.
    public var lost = 0
    /// Jobs that were buried, by handlers, by people, and since no attempts were left.
    public var buried = 0
    /// Jobs that were cancelled.
    public var cancelled = 0
    /// Jobs that expired.
    public var expired = 0
    /// For each claim: how long the job was ready before it. It is counted from the enqueue, from the time to which the
    /// job was delayed (a retry too), or from when a person made it ready. A pause of the queue counts.
    public var timeInQueue = LatencyHistogram()
    /// For each attempt that ran and was settled (as done, failed, crashed or buried): the time from the claim until
    /// then. So it has the time in which the job waited in its worker. Attempts that were given back, and those of
    /// workers that died, do not count.
    public var runTime = LatencyHistogram()

    public init() {}

    /// Whether nothing happened.
    public var isEmpty: Bool {
        enqueued == 0 && started == 0 && done == 0 && failed == 0 && crashed == 0 && lost == 0 && buried == 0
            && cancelled == 0 && expired == 0 && timeInQueue.isEmpty && runTime.isEmpty
    }

    /// Jobs that came to their end: done, buried, cancelled or expired.
    public var ended: Int { [done, buried, cancelled, expired].reduce(0, saturatingSum) }

    public static func += (counts: inout ActivityCounts, other: ActivityCounts) {
        counts.enqueued = saturatingSum(counts.enqueued, other.enqueued)
        counts.started = saturatingSum(counts.started, other.started)
        counts.done = saturatingSum(counts.done, other.done)
        counts.failed = saturatingSum(counts.failed, other.failed)
        counts.crashed = saturatingSum(counts.crashed, other.crashed)
        counts.lost = saturatingSum(counts.lost, other.lost)
        counts.buried = saturatingSum(counts.buried, other.buried)
        counts.cancelled = saturatingSum(counts.cancelled, other.cancelled)
        counts.expired = saturatingSum(counts.expired, other.expired)
        counts.timeInQueue.merge(other.timeInQueue)
        counts.runTime.merge(other.runTime)
    }

    public static func + (one: ActivityCounts, other: ActivityCounts) -> ActivityCounts {
        var sum = one
        sum += other
        return sum
    }

    /// Counts an attempt that did not succeed.
    public mutating func add(_ failure: JobFailure.Kind) {
        switch failure {
        case .failed: failed = saturatingSum(failed, 1)
        case .crashed: crashed = saturatingSum(crashed, 1)
        case .expired, .lost: lost = saturatingSum(lost, 1)
        // A burial is counted as such, and a refusal is no attempt.
        case .buried, .refused: break
        }
    }
}

extension ActivityCounts {
    /// How many ``numbers`` there are.
    package static let numberCount = 9

    /// As stores keep them: `enqueued, started, done, failed, crashed, lost, buried, cancelled, expired`.
    package var numbers: [Int] { [enqueued, started, done, failed, crashed, lost, buried, cancelled, expired] }

    /// - Parameter numbers: In the order of ``numbers``.
    package init(numbers: [Int]) {
        self.init()
        (enqueued, started, done, failed, crashed) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
        (lost, buried, cancelled, expired) = (numbers[5], numbers[6], numbers[7], numbers[8])
    }
}
