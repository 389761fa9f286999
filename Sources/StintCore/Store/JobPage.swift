/// A part of a list of jobs.
public struct JobPage: Sendable {
    public var jobs: [JobRecord]
    /// Where the next part begins; `nil`: there is none.
    public var next: JobCursor?

    public init(jobs: [JobRecord] = [], next: JobCursor? = nil) {
        self.jobs = jobs
        self.next = next
    }
}
