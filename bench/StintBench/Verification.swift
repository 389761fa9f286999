/// Checks that a run was right: every job ran exactly once or is still waiting.
struct Verification {
    let assignment: Assignment
    let jobs: Int
    let reports: [WorkerReport]

    /// - Throws: ``BenchError`` with what was wrong; the benchmark fails then, whatever its speed.
    func check() throws {
        let schema = assignment.design.schema
        let connection = try SQLiteConnection(assignment.database, durability: .normal, busyTimeout: 5_000)
        let done = reports.reduce(0) { $0 + $1.done }
        let unsettled = try connection.integer(schema.unsettled)
        guard unsettled == 0 else { throw wrong("left \(unsettled) jobs half-way") }
        let remaining = try connection.integers(schema.remainingIDs)
        let all = jobs + reports.reduce(0) { $0 + $1.enqueued }
        guard done + remaining.count == all else {
            throw wrong("ran \(done) jobs and left \(remaining.count) of \(all)")
        }
        switch assignment.design {
        case .ceiling, .ceilingLife: break
        case .stint, .oneWorker, .jobInTransaction, .selectThenUpdate, .stintLife, .stintExchange, .stintProducer,
            .stintEnqueues, .stintAcks:
            try checkIDs(done, remaining)
        }
        if schema == .stint { try checkCounts(done, remaining.count, connection) }
        guard try connection.text("PRAGMA quick_check") == "ok" else { throw wrong("left a corrupt file") }
    }

    private func checkIDs(_ done: Int, _ remaining: [Int64]) throws {
        let repeated = reports.reduce(0) { $0 + $1.repeated }
        guard repeated == 0 else { throw wrong("ran \(repeated) jobs twice in one worker") }
        var executed = IDSet()
        for report in reports {
            guard let ids = report.executed else { throw wrong("did not say which jobs it ran") }
            executed.formUnion(ids)
        }
        guard executed.count == done else { throw wrong("ran \(done - executed.count) jobs in two workers") }
        guard !remaining.contains(where: executed.contains) else { throw wrong("ran a job and left it waiting") }
    }

    /// Compares with the counts that Stint keeps.
    private func checkCounts(_ done: Int, _ ready: Int, _ connection: SQLiteConnection) throws {
        let kept = try connection.integer("SELECT sum(done) FROM stint_queues")
        guard kept == done else { throw wrong("ran \(done) jobs and its file counts \(kept)") }
        let waiting = try connection.integer("SELECT sum(ready) FROM stint_queues")
        guard waiting == ready else { throw wrong("left \(ready) jobs and its file counts \(waiting) as ready") }
    }

    private func wrong(_ what: String) -> BenchError {
        BenchError("the result is wrong: '\(assignment.design.rawValue)' \(what)")
    }
}
