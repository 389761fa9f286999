import StintCore

/// A lease whose jobs are reclaimed.
struct EndedLease {
    static let columns = "token, queue_id, worker, worker_id, overdue_since, deadline"

    let token: Int64
    let queue: Int64
    let worker: String
    let workerID: Int64?
    /// When a reaper first found it past its deadline and left it to its worker.
    let overdueSince: Int64?
    let deadline: Int64

    init(_ row: Statement.Row) {
        token = row.int(0)
        queue = row.int(1)
        worker = row.text(2)
        workerID = row.optionalInt(3)
        overdueSince = row.optionalInt(4)
        deadline = row.int(5)
    }
}
