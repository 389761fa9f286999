/// The result of an enqueue.
public struct Enqueued: Hashable, Sendable {
    public let id: JobID
    public let outcome: Outcome

    public enum Outcome: String, Sendable, Hashable, Codable {
        /// `id` is the new job's.
        case added
        /// The unique key was in use, or the idempotency key was used before. Then `id` is the earlier job's, and nothing
        /// was added.
        case duplicate
        /// The payload took the place of that of the earlier job, whose id is `id`.
        case replaced
        /// The payload was added to the digest with the id `id`.
        case collected
    }

    /// Whether the unique key was in use and nothing was added.
    public var isDuplicate: Bool { outcome == .duplicate }

    public init(id: JobID, outcome: Outcome) {
        self.id = id
        self.outcome = outcome
    }

    public init(id: JobID, isDuplicate: Bool) {
        self.init(id: id, outcome: isDuplicate ? .duplicate : .added)
    }
}
