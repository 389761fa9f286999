/// What one reap did.
public struct ReapReport: Sendable, Hashable {
    /// Jobs whose lease had ended and that are ready again.
    public var requeued = 0
    /// Jobs whose lease had ended and that had no attempts or crashes left.
    public var buried = 0
    /// Done, cancelled and expired jobs past their queue's retention, now deleted.
    public var pruned = 0
    /// Jobs that had not started when their time was over.
    public var expired = 0
    /// Ticks of schedules that have made a job.
    public var ticked = 0
    /// Leases past their deadline that were left alone until a second look, since their workers may still extend them.
    /// Ignored when two reports are compared, and always 0 in the report of ``JobQueue/reap()``, which looks twice.
    public var spared = 0
    /// How long until all of them may be reclaimed, if they are still past their deadlines. Ignored when two reports are
    /// compared.
    public var nextLook = SecondLook.delay
    /// Groups with ready jobs that no claim would have found, since another program has changed the store, and that
    /// have their turn again. Ignored when two reports are compared.
    public var repairedGroups = 0
    /// Groups that no job named any more, now forgotten. Ignored when two reports are compared.
    public var prunedGroups = 0

    /// Jobs that an operation had deleted and that cannot be brought back any more, now gone. Ignored when two reports
    /// are compared.
    public var purged = 0
    /// Jobs that operations have changed. Ignored when two reports are compared.
    public var changed = 0
    /// Jobs whose text was indexed, or removed from the index. Ignored when two reports are compared.
    public var indexed = 0
    /// Messages of webhooks that were enqueued. Ignored when two reports are compared.
    public var notified = 0

    public init(requeued: Int = 0, buried: Int = 0, pruned: Int = 0, expired: Int = 0, ticked: Int = 0) {
        self.requeued = requeued
        self.buried = buried
        self.pruned = pruned
        self.expired = expired
        self.ticked = ticked
    }

    public static func == (left: ReapReport, right: ReapReport) -> Bool {
        left.requeued == right.requeued && left.buried == right.buried && left.pruned == right.pruned
            && left.expired == right.expired && left.ticked == right.ticked
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(requeued)
        hasher.combine(buried)
        hasher.combine(pruned)
        hasher.combine(expired)
        hasher.combine(ticked)
    }
}
