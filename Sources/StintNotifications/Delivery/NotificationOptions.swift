import StintCore

/// How notifications go through the queue.
public struct NotificationOptions: Sendable {
    /// The queue of single notifications and digests: the one that the mail worker works on.
    public var queue: QueueName = "notifications"
    /// The queue of digests; `nil`: ``queue``. A member has one digest a period and queue. So let all whose events may come into
    /// the same digest name the same queue here, even if their single notifications are in different ones.
    public var digestQueue: QueueName?
    /// The members that a page of the fan-out has, 1 to 5,000.
    public var pageSize = 500
    /// The most pages of an event: with 500 a page 20 million members. Beyond it the fan-out is buried.
    public var maximumPages = 40_000
    /// The most events that a digest shows. The templates have the number of the others as `more`.
    public var maximumItems = 100
    /// The most events of a digest; further ones start the next one.
    public var maximumEvents = JobOptions.defaultMaxEvents
    /// The priority of single notifications and digests. A password mail with a smaller number goes first.
    public var priority: UInt32 = 1_024
    /// A single notification that is not sent after this long is not sent any more; `nil`: it waits as long as it takes.
    public var expires: Duration?
    /// Called for each notification that is not sent, with the reason. For tests and for counts of your own: Stint logs it
    /// at the level debug, and counts it in the metric `stint.notifications` with the outcome `skipped`.
    public var onSkip: (@Sendable (SkippedNotification) -> Void)?

    public init() {}
}

/// A notification that was not sent.
public struct SkippedNotification: Sendable, Hashable {
    public enum Cause: String, Sendable, Hashable {
        /// The member wants none of these.
        case unwanted
        /// The member is no longer there.
        case noRecipient
        /// The object is no longer there.
        case gone
        /// The member may not see it.
        case hidden
        /// A member, an address or an object is not as it must be.
        case invalid
    }

    public var member: String
    /// `nil` if it is all of a digest.
    public var event: NotificationEvent?
    public var cause: Cause
    public var reason: String
}
