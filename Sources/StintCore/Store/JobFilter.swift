/// Which jobs to list.
public struct JobFilter: Sendable {
    /// The most jobs on a page.
    public static let maximumLimit = 1_000
    /// The approximate size limit of all records on a page, in bytes.
    public static let maximumBytes = 4_194_304

    public var queue: QueueName?
    public var state: JobState?
    /// The most jobs on one page.
    public var limit: Int

    public init(queue: QueueName? = nil, state: JobState? = nil, limit: Int = 100) {
        self.queue = queue
        self.state = state
        self.limit = limit
    }
}
