/// A position in a list of jobs, after one of them. It stays valid if that job is deleted.
public struct JobCursor: Sendable, Hashable {
    package let state: JobState
    /// The job's place in the order of its state.
    package let queue: Int64
    package let order: Int64
    package let job: Int64

    package init(state: JobState, queue: Int64, order: Int64, job: Int64) {
        self.state = state
        self.queue = queue
        self.order = order
        self.job = job
    }
}
