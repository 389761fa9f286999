/// A position in a list of jobs, after one of them. It stays valid if that job is deleted. Only the store that made it
/// reads it. As text it can be part of a link.
public struct JobCursor: Sendable, Hashable, LosslessStringConvertible {
    public let state: JobState
    /// The part of the state's jobs that the store was reading, such as the number of a queue.
    public let queue: Int64
    /// The job's place in the order of its state, such as its priority or its time.
    public let order: Int64
    /// The job's id.
    public let job: Int64

    public init(state: JobState, queue: Int64, order: Int64, job: Int64) {
        self.state = state
        self.queue = queue
        self.order = order
        self.job = job
    }

    public var description: String { "\(state.rawValue).\(queue).\(order).\(job)" }

    /// Reads what ``description`` has written; `nil` if it is something else.
    public init?(_ description: String) {
        let parts = description.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, let state = JobState(rawValue: String(parts[0])) else { return nil }
        let numbers = parts.dropFirst().compactMap { Int64($0) }
        guard numbers.count == 3 else { return nil }
        self.init(state: state, queue: numbers[0], order: numbers[1], job: numbers[2])
    }
}
