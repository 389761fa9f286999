import StintCore

extension JobTransaction {
    /// Bounds of one call, so that a claim never waits long behind the reaper.
    private static let leasesPerReap: Int64 = 100
    private static let jobsPerReap = 1_000
    private static let prunesPerReap: Int64 = 1_000

    private static let endedLeases = """
        SELECT \(EndedLease.columns) FROM stint_leases WHERE deadline <= ?1 OR boot_id <> ?2 LIMIT ?3
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
        if try !lease.isEmpty || hasUnseenWorkers() { return true }
        return try statement(Self.queuesToPrune).first(now.wall) { _ in true } == true
    }

    func reap(_ boards: StartBoards) throws -> ReapReport {
        var report = ReapReport()
        for lease in try endedLeases(limit: Self.leasesPerReap) where report.requeued + report.buried < Self.jobsPerReap
        {
            try endExpired(lease, boards, &report)
        }
        try forgetUnseenWorkers()
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
