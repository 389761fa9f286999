/// A queue with its settings.
public struct QueueDetails: Sendable, Hashable {
    /// Its counts and limits.
    public let stats: QueueStats
    /// How long jobs are kept when they are over.
    public let retention: Duration
    public var limits: QueueLimits { stats.limits }
    /// How many starts of the rate's last window count now; 0 without a rate.
    public let startsInWindow: Int
    /// In how long the rate allows the next start; `nil`: now.
    public let nextStart: Duration?
    /// The number of its groups, without that of the jobs without a group.
    public let groups: Int
    /// What is indexed of its free text; `nil`: it is not switched on.
    public let search: QueueSearch?

    public init(
        stats: QueueStats, retention: Duration, startsInWindow: Int, nextStart: Duration?, groups: Int,
        search: QueueSearch? = nil
    ) {
        self.stats = stats
        self.retention = retention
        self.startsInWindow = startsInWindow
        self.nextStart = nextStart
        self.groups = groups
        self.search = search
    }
}
