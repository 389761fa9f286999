/// What one reap did.
public struct ReapReport: Sendable, Hashable {
    /// Jobs whose lease had ended and that are ready again.
    public var requeued = 0
    /// Jobs whose lease had ended and that had no attempts or crashes left.
    public var buried = 0
    /// Done jobs past their queue's retention, now deleted.
    public var pruned = 0
    /// Ticks of schedules that have made a job.
    public var ticked = 0
    /// Leases past their deadline that were left for a second check. Ignored when two reports are compared.
    package var spared = 0

    public init(requeued: Int = 0, buried: Int = 0, pruned: Int = 0, ticked: Int = 0) {
        self.requeued = requeued
        self.buried = buried
        self.pruned = pruned
        self.ticked = ticked
    }

    public static func == (left: ReapReport, right: ReapReport) -> Bool {
        left.requeued == right.requeued && left.buried == right.buried && left.pruned == right.pruned
            && left.ticked == right.ticked
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(requeued)
        hasher.combine(buried)
        hasher.combine(pruned)
        hasher.combine(ticked)
    }
}
