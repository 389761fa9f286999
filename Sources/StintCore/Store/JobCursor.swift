/// A position in a list of jobs, after one of them. It stays valid if that job is deleted. Only the store that made it
/// reads it.
public struct JobCursor: Sendable, Hashable {
    public let state: JobState
    /// The number of the job's queue, if the list has several queues and is ordered by them; otherwise 0.
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
}
