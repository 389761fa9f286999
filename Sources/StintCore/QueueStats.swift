/// The counts of one queue. They are kept and not counted, so reading them costs the same at ten million jobs.
public struct QueueStats: Sendable, Hashable, Codable {
    public let name: QueueName
    public let ready: Int
    public let delayed: Int
    public let leased: Int
    public let buried: Int
    /// Jobs acknowledged since the queue was made, whether or not the queue keeps them for a while.
    public let done: Int
    public let paused: Bool

    public init(name: QueueName, ready: Int, delayed: Int, leased: Int, buried: Int, done: Int, paused: Bool) {
        self.name = name
        self.ready = ready
        self.delayed = delayed
        self.leased = leased
        self.buried = buried
        self.done = done
        self.paused = paused
    }

    /// Jobs that will still run, or are running.
    /// Cut to the range of `Int`, whatever another program has written.
    public var unfinished: Int {
        [delayed, leased].reduce(ready) { sum, count in
            let (next, overflow) = sum.addingReportingOverflow(count)
            return overflow ? (count > 0 ? .max : .min) : next
        }
    }
}

/// What one reap did.
public struct ReapReport: Sendable, Hashable {
    /// Jobs whose lease had ended and that are ready again.
    public var requeued = 0
    /// Jobs whose lease had ended and that had no attempts or crashes left.
    public var buried = 0
    /// Done jobs past their queue's retention, now deleted.
    public var pruned = 0
    /// Leases that are past their deadline and were left for a second look. They are no part of what was done, and so do
    /// not count when two reports are compared.
    package var spared = 0

    public init(requeued: Int = 0, buried: Int = 0, pruned: Int = 0) {
        self.requeued = requeued
        self.buried = buried
        self.pruned = pruned
    }

    public static func == (left: ReapReport, right: ReapReport) -> Bool {
        left.requeued == right.requeued && left.buried == right.buried && left.pruned == right.pruned
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(requeued)
        hasher.combine(buried)
        hasher.combine(pruned)
    }
}

/// A change to a queue's settings; `nil` leaves a setting as it is.
public struct QueueSettings: Sendable, Hashable {
    public var paused: Bool?
    /// How long done jobs are kept; zero keeps none.
    public var retention: Duration?

    public init(paused: Bool? = nil, retention: Duration? = nil) {
        self.paused = paused
        self.retention = retention
    }
}
