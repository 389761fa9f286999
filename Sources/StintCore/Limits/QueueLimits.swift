/// What of a queue may run at a time, and in which order; see `JobQueue.setLimits` for how to change it.
///
/// The limits are exact, over all processes: a claim counts what runs in its own transaction.
public struct QueueLimits: Sendable, Hashable, Codable {
    /// At most so many of its jobs run at a time; `nil`: no limit.
    public var concurrency: Int?
    /// At most so many of its jobs are claimed in any window of the rate's length; `nil`: no limit.
    public var rate: Rate?
    /// At most so many jobs of a group run at a time. Jobs without a group are not limited by it.
    public var groupConcurrency: Int?
    /// At most so many jobs of a group are claimed in any window of the rate's length. Jobs without a group are not
    /// limited by it.
    public var groupRate: Rate?
    /// What counts if ``groupConcurrency`` is 1.
    public var groupOrder = GroupOrder.strict
    /// Whether groups take turns. If not, priority alone decides. Jobs that a worker starts at once come one of each
    /// group. If more groups wait than a claim can serve, those that it claims ahead may come up to 16 of a group in a
    /// row.
    public var isFair = true

    /// The order of a group of whose jobs one runs at a time.
    public enum GroupOrder: String, Sendable, Hashable, Codable {
        /// A job that failed and waits for its retry holds its group back.
        case strict
        /// The next job of the group runs meanwhile.
        case loose
    }

    public init() {}

    private enum CodingKeys: String, CodingKey {
        case concurrency, rate, groupConcurrency, groupRate, groupOrder
        case isFair = "fair"
    }

    /// Whether what of a group may run is limited.
    public var limitsGroups: Bool { groupConcurrency != nil || groupRate != nil }
    public var isLimited: Bool { concurrency != nil || rate != nil || limitsGroups }
    /// Whether a job that waits for its retry holds its group back.
    public var isStrict: Bool { groupConcurrency == 1 && groupOrder == .strict }
}
