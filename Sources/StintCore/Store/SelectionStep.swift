/// One step of a walk over the jobs of a selection.
public struct SelectionStep: Sendable {
    /// The jobs that met the conditions, or that were changed.
    public let jobs: [JobID]
    /// Where to continue; `nil` at the end.
    public let next: SelectionCursor?
    /// The start of the same walk, over the jobs that existed when it began.
    public let start: SelectionCursor

    public init(jobs: [JobID], next: SelectionCursor?, start: SelectionCursor) {
        self.jobs = jobs
        self.next = next
        self.start = start
    }
}
