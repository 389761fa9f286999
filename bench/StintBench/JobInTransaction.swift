/// Design 2, the one that "depends heavily on locking": a worker locks its job in a transaction and holds it while the
/// job runs, so that a crash gives the job back automatically. SQLite has one lock for each file, so this is a
/// transaction that writes, and the other workers wait.
///
/// Fair: it uses the write-ahead log, `BEGIN IMMEDIATE` (a transaction that reads first would fail at once instead of
/// waiting), a busy timeout of 5 s, and only one commit for each job. The lock is the state, so the table needs no
/// status and no index but its key. A "locked" error is one that outlasted the timeout; the worker then tries again.
struct JobInTransaction: Workload {
    let assignment: Assignment

    init(_ assignment: Assignment) {
        self.assignment = assignment
    }

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        let connection = try SQLiteConnection(
            assignment.database, durability: assignment.durability, busyTimeout: 5_000)
        let begin = try connection.prepare("BEGIN IMMEDIATE")
        let select = try connection.prepare("SELECT id, payload FROM jobs ORDER BY id LIMIT 1")
        let delete = try connection.prepare("DELETE FROM jobs WHERE id = ?1")
        let commit = try connection.prepare("COMMIT")
        let barrier = try start()
        let recorder = Recorder(barrier: barrier, assignment)
        let deadline = assignment.deadline(barrier)
        while MonotonicClock.nanoseconds() < deadline {
            do {
                try begin.run()
            } catch let failure as SQLiteFailure where failure.isLocked {
                recorder.locked()
                continue
            }
            // It may have waited for the lock past the end of the run.
            guard MonotonicClock.nanoseconds() < deadline, let job = try select.job() else {
                try connection.execute("ROLLBACK")
                break
            }
            assignment.runJob(job.id, recorder)
            try delete.run(job.id)
            try commit.run()
        }
        return recorder.report()
    }
}
