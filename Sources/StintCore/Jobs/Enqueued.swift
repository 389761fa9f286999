/// The answer to an enqueue.
public struct Enqueued: Hashable, Sendable {
    public let id: JobID
    /// The unique key was taken: `id` is the earlier job's, and nothing was added.
    public let isDuplicate: Bool

    public init(id: JobID, isDuplicate: Bool) {
        self.id = id
        self.isDuplicate = isDuplicate
    }
}
