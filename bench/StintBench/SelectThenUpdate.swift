/// Design 3, what a program with SQLite's defaults does: look for a new job, mark it as running, run it, delete it; and
/// if the database is locked, try again.
///
/// Fair: the update checks that the job is still new, so no job runs twice. Each statement is a transaction of its own,
/// so no lock is held while a job runs. An index finds the next job at once, and the pause before a retry is short and
/// of random length. (Tried: 0.1 to 0.4 ms, 2 to 8 ms and 8 to 30 ms. The disk decides, not the pause; only the count
/// of "locked" errors follows it.)
struct SelectThenUpdate: Workload {
    let assignment: Assignment

    init(_ assignment: Assignment) {
        self.assignment = assignment
    }

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        let connection = try SQLiteConnection(assignment.database, durability: assignment.durability)
        let select = try connection.prepare("SELECT id, payload FROM jobs WHERE state = 'new' ORDER BY id LIMIT 1")
        let mark = try connection.prepare("UPDATE jobs SET state = 'running' WHERE id = ?1 AND state = 'new'")
        let delete = try connection.prepare("DELETE FROM jobs WHERE id = ?1")
        let barrier = try start()
        let recorder = Recorder(barrier: barrier, assignment)
        let deadline = assignment.deadline(barrier)
        while MonotonicClock.nanoseconds() < deadline {
            guard let job = try retrying(recorder, { try select.job() }) else { break }
            try retrying(recorder) { try mark.run(job.id) }
            guard connection.changes == 1 else {
                recorder.lostRace()
                continue
            }
            assignment.runJob(job.id, recorder)
            try retrying(recorder) { try delete.run(job.id) }
        }
        return recorder.report()
    }

    private func retrying<Value>(_ recorder: Recorder, _ body: () throws -> Value) throws -> Value {
        while true {
            do {
                return try body()
            } catch let failure as SQLiteFailure where failure.isLocked {
                recorder.locked()
                MonotonicClock.sleep(microseconds: .random(in: 500...2_000))
            }
        }
    }
}
