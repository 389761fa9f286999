/// The result of an enqueue.
public struct Enqueued: Hashable, Sendable {
    public let id: JobID
    /// Whether the unique key was in use. Then `id` is the earlier job's, and nothing was added.
    public let isDuplicate: Bool

    public init(id: JobID, isDuplicate: Bool) {
        self.id = id
        self.isDuplicate = isDuplicate
    }
}
