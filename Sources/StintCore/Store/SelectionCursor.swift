/// The position of a walk over the jobs of a selection. The walk only goes forward and skips jobs that were enqueued
/// after it began, so it always ends. Only the store that made it reads it.
public struct SelectionCursor: Sendable, Hashable, Codable {
    /// The state whose jobs are read.
    public let state: JobState
    /// The last job that was read, in the order in which the store reads the jobs of this state.
    public let position: Int64
    /// The id of that job.
    public let job: Int64
    /// The id of the newest job when the walk began.
    public let newest: Int64

    /// - Parameters:
    ///   - position: By default before all jobs.
    ///   - job: By default before all jobs.
    public init(state: JobState, position: Int64 = .min, job: Int64 = .min, newest: Int64) {
        self.state = state
        self.position = position
        self.job = job
        self.newest = newest
    }
}
