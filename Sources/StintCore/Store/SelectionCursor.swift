/// The position of a walk over the jobs of a selection. The walk only goes forward and skips jobs that were enqueued
/// after it began, so it always ends.
public struct SelectionCursor: Sendable, Hashable {
    package let state: JobState
    /// The last job that was read, in the order of its state's table.
    package let position: Int64
    package let job: Int64
    /// The newest job when the walk began.
    package let newest: Int64

    package init(state: JobState, position: Int64 = .min, job: Int64 = .min, newest: Int64) {
        self.state = state
        self.position = position
        self.job = job
        self.newest = newest
    }
}
