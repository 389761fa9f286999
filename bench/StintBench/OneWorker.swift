/// Design 1, the "job queue that can only run one worker": a status column, one job at a time, a transaction to claim
/// it and one to delete it.
///
/// Fair: no process competes with it, so it never waits for a lock. It uses the write-ahead log, one statement for each
/// transaction, prepared, on an index that finds the next job at once. The design needs two commits for each job: the
/// first so that a crash is seen, the second so that the job does not run again.
struct OneWorker: Workload {
    let assignment: Assignment

    init(_ assignment: Assignment) {
        self.assignment = assignment
    }

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        let connection = try SQLiteConnection(
            assignment.database, durability: assignment.durability, busyTimeout: 5_000)
        let claim = try connection.prepare(
            """
            UPDATE jobs SET state = 'running'
            WHERE id = (SELECT id FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1) RETURNING id, payload
            """)
        let delete = try connection.prepare("DELETE FROM jobs WHERE id = ?1")
        let barrier = try start()
        let recorder = Recorder(barrier: barrier, assignment)
        let deadline = assignment.deadline(barrier)
        while MonotonicClock.nanoseconds() < deadline, let job = try claim.job() {
            assignment.runJob(job.id, recorder)
            try delete.run(job.id)
        }
        return recorder.report()
    }
}
