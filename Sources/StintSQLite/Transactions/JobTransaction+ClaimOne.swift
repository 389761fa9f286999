import StintCore

extension JobTransaction {
    /// Leases one job by its id, if it waits or is buried and nothing holds it back but its turn.
    func claim(_ id: JobID, _ request: ClaimRequest) throws -> Claim {
        guard let job = try locateIfThere(id), job.state.isWaiting || job.state == .buried,
            var queue = try claimableQueue(job.place.queue)
        else { return Claim() }
        queue.room = try room(in: queue, request, 1)
        guard queue.room > 0 else { return Claim() }
        let group = job.place.group ?? queue.ungrouped
        if let group, try room(of: group, in: queue).isEmpty { return Claim() }
        let candidate = Candidate(job, group: group, readyAt: try readyAt(job))
        guard !candidate.isExpired(now.wall) else { return Claim() }
        try leave(job)
        let token = try insertLease(queue.id, request, jobs: 1)
        try lease([candidate], of: queue.id, under: token, areCounted: queue.limits.groupConcurrency != nil)
        try serve([candidate], of: queue, Choice())
        return Claim(jobs: [claimed(candidate, of: queue.name, under: token)])
    }

    /// `nil` if there is no such job.
    private func locateIfThere(_ id: JobID) throws -> Located? {
        do { return try locate(id) } catch let error as StintError where error.code == .notFound { return nil }
    }

    /// `nil`: the queue is paused.
    private func claimableQueue(_ id: Int64) throws -> ClaimableQueue? {
        let name = try statement("SELECT name FROM stint_queues WHERE id = ?1")
            .first(id) { QueueName(stored: $0.text(0)) }
        return try name.flatMap { try claimableQueue($0) }
    }

    /// `nil`: since its enqueue. One that is not ready waits for no worker.
    private func readyAt(_ job: Located) throws -> Timestamp? {
        guard job.state == .ready else { return now.wall }
        return try statement(
            "SELECT ready_at FROM stint_ready WHERE queue_id = ?1 AND priority = ?2 AND job_id = ?3"
        ).first(job.place.queue, job.place.priority, job.id) { $0.optionalInt(0) } ?? nil
    }
}
