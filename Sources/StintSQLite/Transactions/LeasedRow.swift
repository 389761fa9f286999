import StintCore

/// A row of `HotSQL.leasedJob`.
struct LeasedRow {
    let held: HeldAttempt
    let priority: Int64

    init(_ row: Statement.Row) {
        held = HeldAttempt(
            attempts: row.tally(0), crashes: row.tally(1), maxAttempts: row.int(4), maxCrashes: row.int(5),
            isSuspect: row.int(2) != 0)
        priority = row.int(3)
    }
}
