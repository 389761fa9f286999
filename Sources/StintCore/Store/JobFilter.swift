/// Which jobs to list.
public struct JobFilter: Sendable {
    /// The most jobs of a page.
    public static let maximumLimit = 1_000
    /// About how long the records of a page may be together, in bytes.
    public static let maximumBytes = 4_194_304

    public var queue: QueueName?
    public var state: JobState?
    /// How many at the most, in one page.
    public var limit: Int

    public init(queue: QueueName? = nil, state: JobState? = nil, limit: Int = 100) {
        self.queue = queue
        self.state = state
        self.limit = limit
    }
}
