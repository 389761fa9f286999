/// Which jobs to list, and how many on a page.
public struct JobFilter: Sendable {
    /// The most jobs on a page.
    public static let maximumLimit = 1_000
    /// The approximate size limit of all records on a page, in bytes.
    public static let maximumBytes = 4_194_304
    /// The most jobs that a store reads for one page. A page of a query that few jobs match ends there.
    public static let maximumRowsRead = 4_000
    /// The approximate size limit of all payloads, headers and errors that a store reads for one page, in bytes.
    public static let maximumBytesRead = 16_777_216

    public var query: JobQuery
    /// The most jobs on one page.
    public var limit: Int
    /// Whether the jobs of each state are listed in the opposite order: the latest burial first.
    public var isReversed: Bool

    public init(_ query: JobQuery, limit: Int = 100, isReversed: Bool = false) {
        self.query = query
        self.limit = limit
        self.isReversed = isReversed
    }

    /// - Parameters:
    ///   - queue: `nil`: all.
    ///   - state: `nil`: any.
    public init(queue: QueueName? = nil, state: JobState? = nil, limit: Int = 100) {
        self.init(JobQuery(queue: queue, state: state), limit: limit)
    }
}
