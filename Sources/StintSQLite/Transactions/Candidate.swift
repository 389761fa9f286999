import StintCore

/// A row of `HotSQL.readyJobs`.
struct Candidate {
    let priority: Int64
    let id: Int64
    let attempts: Int64
    let crashes: Int64
    let suspect: Bool
    /// The index of the queue in the claim.
    let queue: Int
    /// Whether its key consists of numbers.
    let isSound: Bool

    init(_ row: Statement.Row, queue: Int) {
        isSound = row.isInteger(0) && row.isInteger(1)
        priority = row.int(0)
        id = row.int(1)
        attempts = row.tally(2)
        crashes = row.tally(3)
        suspect = row.int(4) != 0
        self.queue = queue
    }
}
