import StintCore

/// A row of `HotSQL.leasedJob`.
struct LeasedRow {
    let attempts: Int64
    let crashes: Int64
    let suspect: Bool
    let priority: Int64
    let maxAttempts: Int64
    let maxCrashes: Int64

    init(_ row: Statement.Row) {
        attempts = row.tally(0)
        crashes = row.tally(1)
        suspect = row.int(2) != 0
        priority = row.int(3)
        maxAttempts = row.int(4)
        maxCrashes = row.int(5)
    }
}
