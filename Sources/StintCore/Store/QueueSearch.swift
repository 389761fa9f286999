/// How far the free text in a queue's jobs is indexed. What is not indexed yet, or cannot be, is read by each query, so the
/// answers are the same as without an index.
public struct QueueSearch: Sendable, Hashable, Codable {
    /// The indexed jobs.
    public let jobs: Int
    /// The bytes of their texts; the index itself takes two to three times as many.
    public let bytes: Int
    /// Whether jobs or errors are not indexed yet.
    public let isBehind: Bool

    private enum CodingKeys: String, CodingKey {
        case jobs, bytes
        case isBehind = "behind"
    }

    public init(jobs: Int, bytes: Int, isBehind: Bool) {
        self.jobs = jobs
        self.bytes = bytes
        self.isBehind = isBehind
    }
}
