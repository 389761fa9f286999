import StintCore

extension JobTransaction {
    /// Limits of one call, so that others never wait long for what the reaper holds.
    private static let leasesPerReap: Int64 = 100
    private static let jobsPerReap = 1_000
    private static let prunesPerReap = 1_000
    private static let expiriesPerReap: Int64 = 1_000

    private static let overStates = JobState.allCases.filter(\.isOver)

    private static let endedLeases = "SELECT 1 FROM stint.leases WHERE deadline <= $1 LIMIT 1"
    private static func expiredJobs(_ state: JobState) -> String {
        "SELECT job_id FROM \(state.table) WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2"
    }
    /// Jobs in a state, in which they are over, past the retention of their queue.
    private static func jobsToPrune(_ state: JobState) -> String {
        """
        SELECT s.job_id, s.queue_id FROM stint.queues q CROSS JOIN LATERAL (
            SELECT job_id, queue_id FROM \(state.table)
            WHERE queue_id = q.id AND \(state.orderColumn!) <= $1 - q.retention_ms
            ORDER BY \(state.orderColumn!), job_id LIMIT $2) s
        LIMIT $2
        """
    }

    /// Whether a reap would find anything: it only reads.
    func needsReap() async throws -> Bool {
        var statements = [PostgresStatement(Self.endedLeases, [.int(now.steady)])]
        for state in [JobState.ready, .delayed] {
            statements.append(PostgresStatement(Self.expiredJobs(state), [.int(now.wall), .int(1)]))
        }
        for state in Self.overStates {
            statements.append(PostgresStatement(Self.jobsToPrune(state), [.int(now.wall), .int(1)]))
        }
        return try await run(statements).contains { !$0.isEmpty }
    }

    func reap() async throws -> ReapReport {
        var report = ReapReport()
        try await lockForReap()
        try await endLeases(&report)
        for state in [JobState.ready, .delayed] {
            let ids = try await run(Self.expiredJobs(state), .int(now.wall), .int(Self.expiriesPerReap))
                .map { try $0.int(0) }
            report.expired += try await expire(ids)
        }
        try await prune(&report)
        return report
    }

    /// Takes the locks of queues first, as all transactions do: others that hold one may wait for a lease or a job.
    private func lockForReap() async throws {
        let states = [JobState.ready, .delayed].map { state in
            """
            SELECT queue_id FROM (SELECT queue_id, group_id FROM \(state.table) WHERE expires_at <= $3 LIMIT $4) s
            WHERE group_id IS NOT NULL
            """
        }
        let queues = try await run(
            """
            SELECT queue_id FROM (SELECT queue_id, group_ids FROM stint.leases WHERE deadline <= $1 ORDER BY deadline LIMIT $2) l
            WHERE group_ids IS NOT NULL
            UNION \(states.joined(separator: " UNION "))
            """, .int(now.steady), .int(Self.leasesPerReap), .int(now.wall), .int(Self.expiriesPerReap))
        try await lock(try queues.map { try $0.int(0) }, exclusively: false)
    }

    private func endLeases(_ report: inout ReapReport) async throws {
        store.firstLooks.forgetOld()
        var grantedSince = Int64.min
        if let outage = store.outages.latest() {
            grantedSince = now.steady - outage.age
            try await spareLeases(grantedBefore: grantedSince, for: outage.rest, &report)
        }
        let leases = try await run(
            """
            SELECT \(LeaseRow.columns) FROM stint.leases WHERE deadline <= $1 AND deadline - duration_ms >= $3
            ORDER BY deadline LIMIT $2
            FOR UPDATE SKIP LOCKED
            """, .int(now.steady), .int(Self.leasesPerReap), .int(grantedSince)
        ).map { try LeaseRow($0) }
        guard !leases.isEmpty else { return }
        let workers = try await workerRecords()
        for lease in leases where report.requeued + report.buried < Self.jobsPerReap {
            try await endExpired(lease, workers, &report)
        }
    }

    /// Leaves leases to their workers that these could not extend during an outage: those that live extend them now. This
    /// is the first look at them.
    private func spareLeases(
        grantedBefore time: Int64, for rest: Duration, _ report: inout ReapReport
    ) async throws {
        let rows = try await run(
            """
            SELECT token, deadline FROM stint.leases WHERE deadline <= $1 AND deadline - duration_ms < $3
            ORDER BY deadline LIMIT $2
            """, .int(now.steady), .int(Self.leasesPerReap), .int(time))
        for row in rows { store.firstLooks.isSecond(try row.int(0), deadline: try row.int(1)) }
        guard !rows.isEmpty else { return }
        report.spared += rows.count
        report.nextLook = max(report.nextLook, rest)
    }

    private func prune(_ report: inout ReapReport) async throws {
        for state in Self.overStates {
            let room = Self.prunesPerReap - report.pruned
            guard room > 0 else { return }
            let ids = try await run(Self.jobsToPrune(state), .int(now.wall), .int(Int64(room))).map { try $0.int(0) }
            let gone = try await run(
                "DELETE FROM \(state.table) WHERE job_id = ANY ($1) RETURNING job_id", .ints(ids)
            ).map { try $0.int(0) }
            _ = try await run(Self.forget(gone))
            report.pruned += gone.count
        }
    }

    // MARK: - Leases that ran out

    /// A deadline proves no death: the worker may hang, may have been frozen, may be cut off from the server, or may wait
    /// for it. One of this machine that lives extends its leases as soon as it can.
    private func endExpired(_ lease: LeaseRow, _ workers: [WorkerRecord], _ report: inout ReapReport) async throws {
        let worker = lease.workerID.flatMap { id in workers.first { $0.id.rawValue == id } }
        let evidence = CrashEvidence(ofExpiredLeaseOf: worker, among: workers)
        // If it is dead, its supervisor lives, and will reclaim its jobs.
        let mayYetBeExtended = worker?.liveness == .alive || worker?.liveness == .dead
        if evidence.ending == .leaseRanOut, mayYetBeExtended,
            !store.firstLooks.isSecond(lease.token, deadline: lease.deadline)
        {
            report.spared += 1
            return
        }
        let attempt = LostAttempt(evidence.ending, ofWorker: lease.worker)
        try await end(lease, worker?.registration.process, evidence, attempt, &report)
    }
}
