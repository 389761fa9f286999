/// One page of a list of jobs.
public struct JobPage: Sendable {
    public var jobs: [JobRecord]
    /// Where the next page begins; `nil` if this is the last one. A page may have no job and a next one.
    public var next: JobCursor?
    /// Whether the page ended because the store had read as much as it reads for one page (see
    /// ``JobFilter/maximumRowsRead``), and not because the page was full.
    public var isCut: Bool

    public init(jobs: [JobRecord] = [], next: JobCursor? = nil, isCut: Bool = false) {
        self.jobs = jobs
        self.next = next
        self.isCut = isCut
    }
}
