import StintCore

extension JobTransaction {
    /// Bounds of one call, so that a claim never waits long behind the reaper.
    private static let leasesPerReap: Int64 = 100
    private static let jobsPerReap = 1_000
    private static let prunesPerReap: Int64 = 1_000

    private static let endedLeases = """
        SELECT token, queue_id, worker, boot_id FROM stint_leases WHERE deadline <= ?1 OR boot_id <> ?2 LIMIT ?3
        """

    /// A done job of each queue is past its retention: one look-up a queue that has any.
    private static let queuesToPrune = """
        WITH RECURSIVE queue (id) AS (
            SELECT min(queue_id) FROM stint_done
            UNION ALL
            SELECT (SELECT min(queue_id) FROM stint_done WHERE queue_id > queue.id) FROM queue WHERE queue.id IS NOT NULL
        )
        SELECT q.id, q.retention_ms FROM queue JOIN stint_queues q ON q.id = queue.id
        WHERE (SELECT min(done_at) FROM stint_done WHERE queue_id = q.id) <= ?1 - q.retention_ms
        """

    /// Whether a reap would find anything; it only reads, so an idle reaper takes no write lock.
    func needsReap() throws -> Bool {
        let lease = try endedLeases(limit: 1)
        if !lease.isEmpty { return true }
        return try statement(Self.queuesToPrune).first(now.wall) { _ in true } == true
    }

    func reap() throws -> ReapReport {
        var report = ReapReport()
        for lease in try endedLeases(limit: Self.leasesPerReap) where report.requeued + report.buried < Self.jobsPerReap
        {
            try end(lease, &report)
        }
        for (queue, retention) in try statement(Self.queuesToPrune).rows(now.wall, read: { ($0.int(0), $0.int(1)) }) {
            let room = Self.prunesPerReap - Int64(report.pruned)
            if room > 0 { report.pruned += try prune(queue, doneBefore: now.wall &- retention, limit: room) }
        }
        return report
    }

    // MARK: - Leases

    private struct EndedLease {
        let token: Int64
        let queue: Int64
        let worker: String
        let boot: String
    }

    private func endedLeases(limit: Int64) throws -> [EndedLease] {
        let select = try statement(Self.endedLeases)
        select.bind(1, now.monotonic)
        select.bind(2, now.boot)
        select.bind(3, limit)
        return try select.rows { row in
            EndedLease(
                token: row.int(0), queue: row.int(1), worker: row.text(2), boot: row.text(3))
        }
    }

    private func end(_ lease: EndedLease, _ report: inout ReapReport) throws {
        let jobs = try statement(
            """
            SELECT l.attempts, l.crashes, l.suspect, j.priority, j.max_attempts, j.max_crashes, l.job_id
            FROM stint_leased l JOIN stint_jobs j ON j.id = l.job_id WHERE l.token = ?1
            """
        ).rows(lease.token) { (job: LeasedRow($0), id: $0.int(6)) }
        let isShared = try isShared(lease)
        let isOfAnotherBoot = lease.boot != now.boot
        for (job, id) in jobs {
            try statement(HotSQL.deleteLeased).execute(id, lease.token)
            count(lease.queue, leased: -1)
            // The worker's only job, or one that ran alone: it is known which was running when the worker went silent.
            // Otherwise it is not, and no innocent job may pay for its neighbour.
            let state: JobState
            if (job.suspect || !isShared) && !isOfAnotherBoot {
                let error = "the lease of worker \(lease.worker) ran out: the worker died, hung or was stopped"
                try record(.expired, error, job, id, worker: lease.worker)
                state = try retry(
                    JobID(rawValue: id), lease.queue, job, crashes: job.crashes + 1, error, after: .zero)
            } else {
                state = try makeWaiting(
                    JobID(rawValue: id), lease.queue, priority: job.priority, after: .zero,
                    attempts: max(0, job.attempts - 1), crashes: job.crashes,
                    suspect: job.suspect || !isOfAnotherBoot)
            }
            if state == .buried { report.buried += 1 } else { report.requeued += 1 }
        }
        try statement(HotSQL.deleteLease).execute(lease.token)
    }

    /// Whether the worker held more than one job, in this lease or others: then nobody knows which was the end of it. Its
    /// other leases are marked, since the last of them must not look like its only one.
    private func isShared(_ lease: EndedLease) throws -> Bool {
        let select = try statement(
            """
            SELECT max(CASE token WHEN ?3 THEN shared END), sum(jobs) FROM stint_leases WHERE worker = ?1 AND boot_id = ?2
            """)
        select.bind(1, lease.worker)
        select.bind(2, lease.boot)
        select.bind(3, lease.token)
        guard let (shared, jobs) = try select.first(read: { ($0.int(0), $0.int(1)) }) else { return false }
        if shared != 0 { return true }
        guard jobs > 1 else { return false }
        let mark = try statement("UPDATE stint_leases SET shared = 1 WHERE worker = ?1 AND boot_id = ?2")
        mark.bind(1, lease.worker)
        mark.bind(2, lease.boot)
        try mark.execute()
        return true
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
