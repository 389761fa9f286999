import StintCore

/// What a worker looks up if it cannot rely on its memory.
extension JobTransaction {
    static let heldJobs = """
        SELECT d.job_id, d.token, q.name,
               q.paused OR coalesce(q.concurrency, q.rate_ms, q.group_concurrency, q.group_rate_ms) IS NOT NULL
        FROM stint_leases l JOIN stint_leased d ON d.token = l.token JOIN stint_queues q ON q.id = l.queue_id
        WHERE l.worker_id = ?1
        """

    func leases(heldBy worker: WorkerID) throws -> [HeldJob] {
        let select = try statement(Self.heldJobs)
        select.bind(1, worker.rawValue)
        return try select.rows { row in
            HeldJob(
                lease: Lease(job: JobID(rawValue: row.int(0)), token: FencingToken(rawValue: row.int(1))),
                queue: QueueName(stored: row.text(2)), isPaused: row.int(3) != 0)
        }
    }

    static let claimable = """
        SELECT 1 FROM stint_jobs j
        JOIN stint_ready r ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id
        JOIN stint_queues q ON q.id = j.queue_id
        WHERE j.id = ?1 AND q.paused = 0
        """

    func isClaimable(_ job: JobID) throws -> Bool {
        try statement(Self.claimable).first(job.rawValue) { _ in true } == true
    }
}
