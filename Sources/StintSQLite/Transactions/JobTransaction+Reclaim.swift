import StintCore

/// Reclaims jobs from workers that ended or went silent. ``Transition`` decides what that costs the jobs.
extension JobTransaction {
    static let jobsOfLease = """
        SELECT \(LeasedRow.columns), l.job_id
        FROM stint_leased l JOIN stint_jobs j ON j.id = l.job_id WHERE l.token = ?1
        """

    /// Moves the jobs of a lease to their next state and ends the lease.
    func end(
        _ lease: EndedLease, _ process: WorkerProcess?, _ evidence: CrashEvidence, _ attempt: LostAttempt,
        _ report: inout ReapReport
    ) throws {
        let jobs = try statement(Self.jobsOfLease)
            .rows(lease.token) { (job: LeasedRow($0), id: JobID(rawValue: $0.int(8))) }
        for (job, id) in jobs {
            try leaveLease(id.rawValue, lease.token, lease.queue, job.group)
            let mine = Lease(job: id, token: FencingToken(rawValue: lease.token))
            let (start, started) = evidence.start(of: mine, isSuspect: job.held.isSuspect, in: process)
            let transition = try Transition.after(
                evidence.ending, start, job.held, attempt.failure, earlierLosses: try losses(of: id),
                maxAttempts: started?.maxAttempts)
            let diagnostics = attempt.ran(started).diagnostics
            let state = try move(id, lease.queue, job, transition, worker: lease.worker, diagnostics)
            if state == .buried { report.buried += 1 } else { report.requeued += 1 }
        }
        // Rows of jobs that another program has removed.
        let rest = try statement("DELETE FROM stint_leased WHERE token = ?1").changes(lease.token)
        count(lease.queue, leased: -rest)
        try statement(HotSQL.deleteLease).execute(lease.token)
    }

    /// How often in a row the job was lately lost, without another outcome between.
    private func losses(of id: JobID) throws -> Int {
        let kinds = try statement("SELECT kind FROM stint_failures WHERE job_id = ?1 ORDER BY id DESC LIMIT 50")
            .rows(id.rawValue) { JobFailure.Kind(rawValue: $0.text(0)) ?? .failed }
        return CrashAttribution.lossesInARow(kinds)
    }

    // MARK: - Workers that have ended

    static let leasesOfWorker = "SELECT \(EndedLease.columns) FROM stint_leases WHERE worker_id = ?1"

    /// - Returns: The report, and the workers: when a process ends, all of its workers have ended, even if they were
    ///   not named.
    func reclaim(
        from ids: [WorkerID], _ end: WorkerEnd, _ scoreboards: Scoreboards
    ) throws -> (report: ReapReport, workers: [WorkerID]) {
        let all = try registrations()
        let processes = Set(all.filter { ids.contains($0.id) }.map(\.registration.process))
        // Containers can have the same process ids: a worker that is provably alive has not ended with them.
        let workers = all.filter {
            ids.contains($0.id) || processes.contains($0.registration.process) && scoreboards.liveness($0.id) != .alive
        }.map { $0.read(from: scoreboards) }
        let ending = CrashAttribution.Ending(end, of: workers)
        let leases = try workers.map { worker in
            try statement(Self.leasesOfWorker).rows(worker.id.rawValue, read: EndedLease.init)
        }
        let evidence = CrashEvidence(ending, of: workers)
        var report = ReapReport()
        for (worker, leases) in zip(workers, leases) {
            let attempt = LostAttempt(end, of: worker, isBlamed: ending == .diedByItself)
            for lease in leases {
                try self.end(lease, worker.registration.process, evidence, attempt, &report)
            }
            try forget(worker.id)
        }
        return (report, workers.map(\.id))
    }
}
