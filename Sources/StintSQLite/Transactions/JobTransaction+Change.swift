import StintCore

/// What a person does with jobs: the same for one by its id and for those of a selection.
extension JobTransaction {
    enum Applied {
        case changed
        /// It has already what the change would do.
        case unchanged
        /// Its unique key is another job's in the queue to which it should go.
        case keyTaken
    }

    /// Changes jobs by id, all or none: if it throws, the caller rolls back.
    func change(_ ids: [JobID], _ change: JobChange) throws {
        for id in ids {
            let job = try locate(id)
            if change.isDone(in: job.state) { continue }
            guard change.applies(to: job.state) else { throw change.refusal(of: id, in: job.state) }
            guard try apply(change, to: job) != .keyTaken else {
                guard case .move(let queue) = change else { throw StintError.notFound(id) }
                throw StintError.keyTaken(id, in: queue)
            }
        }
    }

    /// The same, with a record of who did it.
    func change(_ ids: [JobID], _ change: JobChange, by actor: String?) throws {
        try self.change(ids, change)
        guard let actor, !ids.isEmpty else { return }
        try record(change, of: ids, by: actor)
    }

    /// Changes a job in a state that the change applies to.
    func apply(_ change: JobChange, to job: Located) throws -> Applied {
        switch change {
        case .kick:
            try leave(job)
            try makeWaiting(job.id, job.place, after: .zero)
        case .kickLater(let delay):
            try leave(job)
            try makeWaiting(job.id, job.place, after: delay)
        case .runNow:
            // A walk over many jobs has not read whether they are suspects.
            let job = try locate(JobID(rawValue: job.id))
            try leave(job)
            try makeWaiting(
                job.id, job.place, after: .zero, attempts: job.attempts, crashes: job.crashes, suspect: job.suspect)
        case .bury(let reason):
            try leave(job)
            try bury(job.id, job.place, attempts: job.attempts, crashes: job.crashes, reason)
        case .cancel(let reason):
            try leave(job)
            try end(job.id, as: .cancelled, job.place, attempts: job.attempts, crashes: job.crashes, reason)
        case .delete:
            try leave(job)
            try forget(job.id)
        case .move(let queue): return try move(try locate(JobID(rawValue: job.id)), to: queue)
        case .setPriority(let priority):
            return try setPriority(Int64(priority), of: try locate(JobID(rawValue: job.id)))
        }
        return .changed
    }

    // MARK: - To another place

    /// Its row in stint_jobs is written again, with its payload.
    private func setQueue(_ queue: Int64, of job: Int64) throws {
        try statement("UPDATE stint_jobs SET queue_id = ?2 WHERE id = ?1").execute(job, queue)
        try noteSearch(job, in: queue)
    }

    private func move(_ job: Located, to name: QueueName) throws -> Applied {
        let queue = try queueID(name)
        guard queue != job.place.queue else { return .unchanged }
        if let key = try statement("SELECT key FROM stint_unique_keys WHERE job_id = ?1").first(
            job.id, read: { $0.text(0) })
        {
            guard try holder(of: key, in: queue) == nil else { return .keyTaken }
            // Instead of a row whose job another program has removed, or never runs.
            try statement("UPDATE OR REPLACE stint_unique_keys SET queue_id = ?2 WHERE job_id = ?1")
                .execute(job.id, queue)
        }
        var place = JobPlace(queue: queue, priority: job.place.priority, expiresAt: job.place.expiresAt)
        place.group = try job.place.group.flatMap { try groupName($0) }.map { try groupID($0, in: queue) }
        switch job.state {
        case .ready:
            try leave(job)
            try setQueue(queue, of: job.id)
            try makeWaiting(
                job.id, place, after: .zero, attempts: job.attempts, crashes: job.crashes, suspect: job.suspect)
        case .delayed:
            try setQueue(queue, of: job.id)
            let update = try statement("UPDATE stint_delayed SET queue_id = ?2, group_id = ?3 WHERE job_id = ?1")
            update.bind(1, job.id)
            update.bind(2, queue)
            update.bind(3, try place.group ?? ungrouped(in: queue))
            try update.execute()
            count(job.place.queue, delayed: -1)
            count(queue, delayed: 1)
            // In a strict order its group may have waited for it.
            if let group = job.place.group { try putBackInLine(group, of: job.place.queue) }
        case .buried:
            try setQueue(queue, of: job.id)
            let update = try statement(
                """
                UPDATE stint_buried SET queue_id = ?2, group_id = ?3 WHERE job_id = ?1 RETURNING error_group, buried_at
                """)
            update.bind(1, job.id)
            update.bind(2, queue)
            update.bind(3, place.group)
            let error = try update.first { (group: $0.optionalInt(0), at: $0.int(1)) }
            count(job.place.queue, buried: -1)
            count(queue, buried: 1)
            if let error, let group = error.group {
                countError(group, job.place.queue, -1, at: error.at)
                countError(group, queue, 1, at: error.at)
            }
        case .leased, .done, .cancelled, .expired: return .unchanged
        }
        return .changed
    }

    /// `nil` for that of the jobs without a group.
    private func groupName(_ group: Int64) throws -> String? {
        let name = try statement("SELECT name FROM stint_groups WHERE id = ?1").first(group) { $0.text(0) }
        return name.flatMap { $0.isEmpty ? nil : $0 }
    }

    private func setPriority(_ priority: Int64, of job: Located) throws -> Applied {
        guard priority != job.place.priority else { return .unchanged }
        // It orders the ready jobs.
        if job.state == .ready { try leave(job) }
        try statement(HotSQL.setPriority).execute(job.id, priority)
        guard job.state == .ready else { return .changed }
        let place = JobPlace(
            queue: job.place.queue, priority: priority, group: job.place.group, expiresAt: job.place.expiresAt)
        try makeWaiting(
            job.id, place, after: .zero, attempts: job.attempts, crashes: job.crashes, suspect: job.suspect)
        return .changed
    }
}
