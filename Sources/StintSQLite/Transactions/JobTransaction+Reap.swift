import StintCore

extension JobTransaction {
    /// Limits of one call, so that a claim never waits long behind the reaper.
    private static let leasesPerReap: Int64 = 100
    private static let jobsPerReap = 1_000
    private static let prunesPerReap: Int64 = 1_000
    private static let expiriesPerReap: Int64 = 1_000

    /// Leases that are past their deadline, or whose deadline lies further ahead than they are long: these are from an
    /// earlier boot, whose clock was ahead. Leases from before migration 4 have no length, so the boot id decides.
    static let endedLeases = """
        SELECT \(EndedLease.columns) FROM stint_leases
        WHERE deadline <= ?1 OR CASE duration_ms WHEN 0 THEN boot_id <> ?2 ELSE deadline > ?1 + duration_ms END LIMIT ?3
        """

    private static let overStates = JobState.allCases.filter(\.isOver)

    /// Queues with a job in this state, in which it is over, that is past its retention: one look-up for each queue that
    /// has such jobs.
    static func queuesToPrune(_ state: JobState) -> String {
        """
        WITH RECURSIVE queue (id) AS (
            SELECT min(queue_id) FROM \(state.table)
            UNION ALL
            SELECT (SELECT min(queue_id) FROM \(state.table) WHERE queue_id > queue.id) FROM queue
            WHERE queue.id IS NOT NULL
        )
        SELECT q.id, q.retention_ms FROM queue JOIN stint_queues q ON q.id = queue.id
        WHERE (SELECT min(\(state.orderColumn!)) FROM \(state.table) WHERE queue_id = q.id) <= ?1 - q.retention_ms
        """
    }

    /// Whether a reap would find anything. It only reads, so an idle reaper takes no write lock.
    ///
    /// - Parameter looksForUnheld: Whether to look also for leased jobs without a lease, which reads each leased job.
    func needsReap(_ scoreboards: Scoreboards, looksForUnheld: Bool) throws -> Bool {
        if try !endedLeases(limit: 1).isEmpty || !unseenWorkers(scoreboards).isEmpty { return true }
        if looksForUnheld, try statement(Self.unheldJobs).first(1, read: { _ in true }) == true { return true }
        if try hasUngroupedBurials() { return true }
        if try hasOldBuckets() { return true }
        for sql in [Self.expiredReady, Self.expiredDelayed] {
            if try statement(sql).first(now.wall, 1, read: { _ in true }) == true { return true }
        }
        if try hasOldOperations() { return true }
        return try Self.overStates.contains { state in
            try statement(Self.queuesToPrune(state)).first(now.wall) { _ in true } == true
        }
    }

    /// Whether a reap, or a look for dead workers, may find anything.
    func mayReap(_ scoreboards: Scoreboards) throws -> Bool {
        try hasDeadWorker(scoreboards) || needsReap(scoreboards, looksForUnheld: false) || hasRunningOperation()
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
        try groupBurials()
        try pruneBuckets()
        report.expired = try expireWaiting()
        report.purged = try purgeDeleted()
        try pruneOperations()
        for state in Self.overStates {
            let queues = try statement(Self.queuesToPrune(state)).rows(now.wall) {
                (id: $0.int(0), retention: $0.int(1))
            }
            for queue in queues {
                let room = Self.prunesPerReap - Int64(report.pruned)
                guard room > 0 else { return report }
                report.pruned += try prune(queue.id, state, upTo: now.wall &- queue.retention, limit: room)
            }
        }
        return report
    }

    // MARK: - Jobs whose time is over

    static let expiredReady = """
        SELECT job_id, queue_id, priority, attempts, crashes, group_id FROM stint_ready WHERE expires_at <= ?1 LIMIT ?2
        """
    static let expiredDelayed = """
        SELECT d.job_id, d.queue_id, coalesce(j.priority, 0), d.attempts, d.crashes, d.group_id
        FROM stint_delayed d LEFT JOIN stint_jobs j ON j.id = d.job_id WHERE d.expires_at <= ?1 LIMIT ?2
        """

    /// Claims end only the jobs that they meet: this ends those that nobody claims.
    ///
    /// - Returns: How many.
    private func expireWaiting() throws -> Int {
        var count = 0
        for (state, sql) in [(JobState.ready, Self.expiredReady), (.delayed, Self.expiredDelayed)] {
            let jobs = try statement(sql).rows(now.wall, Self.expiriesPerReap - Int64(count)) { row in
                Located(
                    id: row.int(0),
                    place: JobPlace(queue: row.int(1), priority: row.int(2), group: row.optionalInt(5)),
                    state: state, attempts: row.tally(3), crashes: row.tally(4), suspect: false, token: nil)
            }
            for job in jobs {
                try leave(job)
                try end(
                    job.id, as: .expired, job.place, attempts: job.attempts, crashes: job.crashes,
                    Transition.expiryReason(attempts: job.attempts))
            }
            count += jobs.count
        }
        return count
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
            .rows(Int64(Self.jobsPerReap)) { (job: LeasedRow($0), id: $0.int(8), queue: $0.optionalInt(9)) }
        for (job, id, queue) in jobs {
            try statement("DELETE FROM stint_leased WHERE job_id = ?1").execute(id)
            guard let queue else { continue }
            count(queue, leased: -1)
            if let group = job.group { try putBackInLine(group, of: queue) }
            let released = Transition.after(.release(after: .zero), job.held)
            _ = try move(JobID(rawValue: id), queue, job, released, worker: nil, nil)
            report.requeued += 1
        }
    }

    // MARK: - History

    private func prune(_ queue: Int64, _ state: JobState, upTo limit: Timestamp, limit count: Int64) throws -> Int {
        let time = state.orderColumn!
        let ids = try statement(
            "SELECT job_id FROM \(state.table) WHERE queue_id = ?1 AND \(time) <= ?2 ORDER BY \(time), job_id LIMIT ?3"
        ).rows(queue, limit, count) { $0.int(0) }
        for id in ids {
            try statement("DELETE FROM \(state.table) WHERE job_id = ?1").execute(id)
            try forget(id)
        }
        return ids.count
    }
}
