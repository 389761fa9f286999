import StintCore

/// Reclaims jobs from workers that ended or went silent. ``Transition`` decides what that costs the jobs.
extension JobTransaction {
    /// Moves the jobs of a locked lease to their next states and ends the lease.
    ///
    /// - Parameters:
    ///   - process: That of its worker; `nil` if it is not known.
    ///   - report: Gets the numbers of jobs.
    func end(
        _ lease: LeaseRow, _ process: WorkerProcess?, _ evidence: CrashEvidence, _ attempt: LostAttempt,
        _ report: inout ReapReport
    ) async throws {
        let facts = try await facts(of: lease.jobs.keys)
        let losses = try await losses(of: lease.jobs.keys)
        var moves: [Moved] = []
        for (id, job) in lease.jobs.sorted(by: { $0.key < $1.key }) {
            guard let facts = facts[id] else { continue }
            let held = lease.held(job, facts)
            let mine = Lease(job: JobID(rawValue: id), token: FencingToken(rawValue: lease.token))
            let (start, started) = evidence.start(of: mine, isSuspect: held.isSuspect, in: process)
            let transition = Transition.after(
                evidence.ending, start, held, attempt.failure, earlierLosses: losses[id] ?? 0,
                maxAttempts: started?.maxAttempts)
            let move = Moved(
                id: id, place: lease.place(of: job, priority: facts.priority), held: held, transition: transition,
                worker: lease.worker, diagnostics: attempt.ran(started).diagnostics)
            moves.append(move)
            if move.state == .buried { report.buried += 1 } else { report.requeued += 1 }
        }
        count(lease.queue, leased: -lease.jobs.count)
        _ = try await run([
            PostgresStatement("DELETE FROM stint.leases WHERE token = $1", [.int(lease.token)]),
            Self.markClaimed(moves.map(\.id)),
        ])
        try await move(moves)
        try await wakeLimited([lease.queue])
    }

    /// How often in a row each job was lately lost, without another outcome between.
    private func losses(of jobs: some Collection<Int64>) async throws -> [Int64: Int] {
        let rows = try await run(
            "SELECT job_id, kind FROM stint.failures WHERE job_id = ANY ($1) ORDER BY job_id, id DESC",
            .ints(jobs.sorted()))
        var kinds: [Int64: [JobFailure.Kind]] = [:]
        for row in rows {
            kinds[try row.int(0), default: []].append(JobFailure.Kind(rawValue: try row.text(1)) ?? .failed)
        }
        return kinds.mapValues { CrashAttribution.lossesInARow($0) }
    }
}
