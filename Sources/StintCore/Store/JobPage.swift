/// One page of a list of jobs.
public struct JobPage: Sendable {
    public var jobs: [JobRecord]
    /// Where the next page begins; `nil` if this is the last one.
    public var next: JobCursor?

    public init(jobs: [JobRecord] = [], next: JobCursor? = nil) {
        self.jobs = jobs
        self.next = next
    }
}
