import StintCore

/// A leased job, as a row whose first columns are ``columns``.
struct LeasedRow {
    /// Of `stint_leased l` and `stint_jobs j`.
    static let columns =
        "l.attempts, l.crashes, l.suspect, j.priority, j.max_attempts, j.max_crashes, l.group_id, l.expires_at"

    let held: HeldAttempt
    var priority: Int64
    let group: Int64?
    let expiresAt: Int64?

    func place(in queue: Int64) -> JobPlace {
        JobPlace(queue: queue, priority: priority, group: group, expiresAt: expiresAt)
    }

    init(_ row: Statement.Row) {
        held = HeldAttempt(
            attempts: row.tally(0), crashes: row.tally(1), maxAttempts: row.int(4), maxCrashes: row.int(5),
            isSuspect: row.int(2) != 0)
        priority = row.int(3)
        group = row.optionalInt(6)
        expiresAt = row.optionalInt(7)
    }
}
