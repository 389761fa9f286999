import StintCore

extension JobTransaction {
    /// Limits of one call, so that a claim never waits long behind the reaper.
    private static let leasesPerReap: Int64 = 100
    private static let jobsPerReap = 1_000
    private static let prunesPerReap: Int64 = 1_000

    /// Leases that are past their deadline, or whose deadline lies further ahead than they are long: these are from an
    /// earlier boot, whose clock was ahead. Leases from before migration 4 have no length, so the boot id decides.
    static let endedLeases = """
        SELECT \(EndedLease.columns) FROM stint_leases
        WHERE deadline <= ?1 OR CASE duration_ms WHEN 0 THEN boot_id <> ?2 ELSE deadline > ?1 + duration_ms END LIMIT ?3
        """

    /// Queues with a done job that is past its retention: one look-up for each queue that has done jobs.
    private static let queuesToPrune = """
        WITH RECURSIVE queue (id) AS (
            SELECT min(queue_id) FROM stint_done
            UNION ALL
            SELECT (SELECT min(queue_id) FROM stint_done WHERE queue_id > queue.id) FROM queue WHERE queue.id IS NOT NULL
        )
        SELECT q.id, q.retention_ms FROM queue JOIN stint_queues q ON q.id = queue.id
        WHERE (SELECT min(done_at) FROM stint_done WHERE queue_id = q.id) <= ?1 - q.retention_ms
        """

    /// Whether a reap would find anything. It only reads, so an idle reaper takes no write lock.
    ///
    /// - Parameter looksForUnheld: Whether to look also for leased jobs without a lease, which reads each leased job.
    func needsReap(_ scoreboards: Scoreboards, looksForUnheld: Bool) throws -> Bool {
        if try !endedLeases(limit: 1).isEmpty || !unseenWorkers(scoreboards).isEmpty { return true }
        if looksForUnheld, try statement(Self.unheldJobs).first(1, read: { _ in true }) == true { return true }
        return try statement(Self.queuesToPrune).first(now.wall) { _ in true } == true
    }

    /// Whether a reap, or a look for dead workers, may find anything.
    func mayReap(_ scoreboards: Scoreboards) throws -> Bool {
        try hasDeadWorker(scoreboards) || needsReap(scoreboards, looksForUnheld: false)
    }

    func reap(_ scoreboards: Scoreboards, looksForUnheld: Bool) throws -> ReapReport {
        var report = ReapReport()
        let leases = try endedLeases(limit: Self.leasesPerReap)
        let registry = leases.isEmpty ? nil : WorkersOfReap(try registrations(), scoreboards)
        for lease in leases where report.requeued + report.buried < Self.jobsPerReap {
            try endExpired(lease, registry!, &report)
        }
        if looksForUnheld { try reclaimUnheld(&report) }
        for worker in try unseenWorkers(scoreboards) { try forget(worker) }
        for (queue, retention) in try statement(Self.queuesToPrune).rows(now.wall, read: { ($0.int(0), $0.int(1)) }) {
            let room = Self.prunesPerReap - Int64(report.pruned)
            if room > 0 { report.pruned += try prune(queue, doneBefore: now.wall &- retention, limit: room) }
        }
        return report
    }

    private func endedLeases(limit: Int64) throws -> [EndedLease] {
        let select = try statement(Self.endedLeases)
        select.bind(1, now.monotonic)
        select.bind(2, now.boot)
        select.bind(3, limit)
        return try select.rows(read: EndedLease.init)
    }

    // MARK: - Jobs without a lease

    /// Leased rows whose lease another program has removed, so that no end of it would ever bring them back. They come
    /// with the job's queue, which is NULL if the job is missing too. It reads as many rows as there are leased jobs.
    private static let unheldJobs = """
        SELECT \(LeasedRow.columns), l.job_id, j.queue_id
        FROM stint_leased l LEFT JOIN stint_jobs j ON j.id = l.job_id
        WHERE NOT EXISTS (SELECT 1 FROM stint_leases WHERE token = l.token) LIMIT ?1
        """

    /// They lose nothing, since it is not known what became of them.
    private func reclaimUnheld(_ report: inout ReapReport) throws {
        let jobs = try statement(Self.unheldJobs)
            .rows(Int64(Self.jobsPerReap)) { (job: LeasedRow($0), id: $0.int(6), queue: $0.optionalInt(7)) }
        for (job, id, queue) in jobs {
            try statement("DELETE FROM stint_leased WHERE job_id = ?1").execute(id)
            guard let queue else { continue }
            count(queue, leased: -1)
            let released = Transition.after(.release(after: .zero), job.held)
            _ = try move(JobID(rawValue: id), queue, job, released, worker: nil, nil)
            report.requeued += 1
        }
    }

    // MARK: - History

    private func prune(_ queue: Int64, doneBefore limit: Timestamp, limit count: Int64) throws -> Int {
        let ids = try statement(
            "SELECT job_id FROM stint_done WHERE queue_id = ?1 AND done_at <= ?2 ORDER BY done_at, job_id LIMIT ?3"
        ).rows(queue, limit, count) { $0.int(0) }
        for id in ids {
            try statement("DELETE FROM stint_done WHERE job_id = ?1").execute(id)
            try forget(id)
        }
        return ids.count
    }
}
