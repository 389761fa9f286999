import StintCore

/// Moves jobs between their states and keeps the counts: the only place that does. A verb takes a job out of its state, then
/// puts it into the next one. Which one that is, ``Transition`` says.
extension JobTransaction {
    /// The maximum number of failures that are kept of one job: a job that is kicked again and again must not grow the
    /// file.
    private static let failuresPerJob: Int64 = 50

    /// Moves a job that has just left its lease to the state that the rules give.
    func move(
        _ id: JobID, _ queue: Int64, _ job: LeasedRow, _ transition: Transition, worker: String?,
        _ diagnostics: AttemptDiagnostics?
    ) throws -> JobState {
        if let failure = transition.failure {
            try record(failure, attempt: job.held.attempts, id.rawValue, worker: worker, diagnostics)
        }
        switch transition.destination {
        case .done:
            try finish(id.rawValue, queue, job.held)
            return .done
        case .waiting(let delay, let attempts, let crashes, let isSuspect):
            return try makeWaiting(
                id, queue, priority: job.priority, after: delay, attempts: attempts, crashes: crashes,
                suspect: isSuspect)
        case .buried(let reason, let attempts, let crashes):
            try bury(id.rawValue, queue, attempts: attempts, crashes: crashes, reason)
            return .buried
        }
    }

    // MARK: - Into a state

    /// Writes the job's state: ready, or delayed if the delay is above zero.
    @discardableResult
    func makeWaiting(
        _ id: JobID, _ queue: Int64, priority: Int64, after delay: Duration, attempts: Int64 = 0, crashes: Int64 = 0,
        suspect: Bool = false
    ) throws -> JobState {
        let suspect: Int64 = suspect ? 1 : 0
        if delay > .zero {
            let runAt = now.wall + delay.milliseconds
            try statement(HotSQL.insertDelayed).execute(id.rawValue, queue, runAt, attempts, crashes, suspect)
            count(queue, delayed: 1)
            return .delayed
        }
        try insertReady().execute(queue, priority, id.rawValue, attempts, crashes, suspect)
        count(queue, ready: 1)
        return .ready
    }

    /// Makes delayed jobs ready.
    ///
    /// - Returns: How many.
    func promote(_ due: [Int64], in queue: Int64) throws -> Int {
        let insert = try statement(HotSQL.delayedToReady)
        let delete = try statement(HotSQL.deleteDelayed)
        var promoted = 0
        for id in due {
            // Nothing is promoted if another program has removed the job itself.
            promoted += try insert.changes(id)
            try delete.execute(id)
        }
        count(queue, ready: promoted, delayed: -due.count)
        return promoted
    }

    /// Gives jobs that have left the ready ones to the holder of a lease. Each gets one attempt more.
    func lease(_ jobs: [Candidate], of queue: Int64, under token: FencingToken) throws {
        let insert = try statement(HotSQL.insertLeased)
        for job in jobs {
            try insert.execute(job.id, token.rawValue, job.attempts + 1, job.crashes, job.suspect ? 1 : 0)
        }
        count(queue, leased: jobs.count)
    }

    func bury(_ id: Int64, _ queue: Int64, attempts: Int64, crashes: Int64, _ reason: String) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """)
        insert.bind(6, reason.replacing("\0", with: "\u{FFFD}"))
        insert.bind(1, id)
        insert.bind(2, queue)
        insert.bind(3, now.wall)
        insert.bind(4, attempts)
        insert.bind(5, crashes)
        try insert.execute()
        count(queue, buried: 1)
    }

    /// Keeps the job if its queue has a retention, and forgets it if not. An ack does the same by ``acknowledge(_:_:_:_:)``.
    private func finish(_ id: Int64, _ queue: Int64, _ attempt: HeldAttempt) throws {
        let retention = try statement("SELECT retention_ms FROM stint_queues WHERE id = ?1").first(queue) { $0.int(0) }
        if retention ?? 0 > 0 {
            try statement(
                "INSERT OR REPLACE INTO stint_done (job_id, queue_id, done_at, attempts, crashes) VALUES (?1, ?2, ?3, ?4, ?5)"
            ).execute(id, queue, now.wall, attempt.attempts, attempt.crashes)
            try statement(HotSQL.deleteUniqueKey).execute(id)
        } else {
            try forget(id)
        }
        count(queue, done: 1)
    }

    // MARK: - From leased to done

    /// An ack, as most leases end: with no look at the row, and with statements that are looked up once for all jobs. The
    /// caller counts.
    ///
    /// - Returns: `false` if the token is not the job's current one; nothing has changed then.
    func acknowledge(
        _ id: Int64, _ token: Int64, _ lease: SettledLease, _ cleanup: Cleanup
    ) throws -> Bool {
        if lease.retention > 0 {
            try statement(HotSQL.leasedToDone).execute(id, token, lease.queue, now.wall)
        }
        guard try cleanup.deleteLeased.changes(id, token) == 1 else { return false }
        if lease.retention <= 0 {
            try cleanup.deleteJob.execute(id)
            try cleanup.deleteFailures(id)
        }
        try cleanup.freeUniqueKey(id)
        return true
    }

    // MARK: - Out of a state

    func leaveLease(_ id: Int64, _ token: Int64, _ queue: Int64) throws {
        try statement(HotSQL.deleteLeased).execute(id, token)
        count(queue, leased: -1)
    }

    /// Removes the job from its state; the caller puts it into another one or deletes it.
    func leave(_ job: Located) throws {
        switch job.state {
        case .ready:
            try statement("DELETE FROM stint_ready WHERE queue_id = ?1 AND priority = ?2 AND job_id = ?3")
                .execute(job.queue, job.priority, job.id)
            count(job.queue, ready: -1)
        case .delayed:
            try statement(HotSQL.deleteDelayed).execute(job.id)
            count(job.queue, delayed: -1)
        case .leased:
            revokes = true
            try statement("DELETE FROM stint_leased WHERE job_id = ?1").execute(job.id)
            count(job.queue, leased: -1)
            if let token = job.token {
                let jobs = try statement("SELECT jobs FROM stint_leases WHERE token = ?1").first(token) { $0.int(0) }
                try shrink(FencingToken(rawValue: token), jobs ?? 0, by: 1)
            }
        case .buried:
            try statement("DELETE FROM stint_buried WHERE job_id = ?1").execute(job.id)
            count(job.queue, buried: -1)
        case .done:
            try statement("DELETE FROM stint_done WHERE job_id = ?1").execute(job.id)
        }
    }

    /// Removes the first rows of a queue, which these are.
    func takeFirst(_ rows: [Candidate], of queue: Int64) throws {
        guard let last = rows.last else { return }
        try statement(HotSQL.deleteReadyUpTo).execute(queue, last.priority, last.id)
        count(queue, ready: -rows.count)
    }

    /// Removes rows between which others stay.
    func take(_ rows: [Candidate], of queue: Int64) throws {
        let delete = try statement(HotSQL.deleteReady)
        for row in rows { try delete.execute(queue, row.priority, row.id) }
        count(queue, ready: -rows.count)
    }

    /// Deletes a job that is no longer in any state, with everything that belongs to it.
    func forget(_ id: Int64) throws {
        try statement(HotSQL.deleteJob).execute(id)
        try statement(HotSQL.deleteUniqueKey).execute(id)
        try statement(HotSQL.deleteFailures).execute(id)
    }

    /// Removes settled jobs from a lease, and the lease with its last job.
    func shrink(_ token: FencingToken, _ jobs: Int64, by settled: Int64) throws {
        if settled >= jobs {
            try statement(HotSQL.deleteLease).execute(token.rawValue)
        } else {
            try statement(HotSQL.shrinkLease).execute(token.rawValue, settled)
        }
    }

    // MARK: - History

    /// Keeps an attempt that did not end well.
    private func record(
        _ failure: Transition.Failure, attempt: Int64, _ id: Int64, worker: String?, _ diagnostics: AttemptDiagnostics?
    ) throws {
        let insert = try statement(
            """
            INSERT INTO stint_failures (job_id, attempt, at, kind, error, worker, exit_code, signal, peak_memory_bytes,
                                        run_time_ms, standard_error)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """)
        insert.bind(1, id)
        insert.bind(2, attempt)
        insert.bind(3, now.wall)
        insert.bind(4, failure.kind.rawValue)
        insert.bind(5, failure.error.replacing("\0", with: "\u{FFFD}"))
        insert.bind(6, worker)
        insert.bind(7, diagnostics?.exitCode.map(Int64.init))
        insert.bind(8, diagnostics?.signal)
        insert.bind(9, diagnostics?.peakMemoryBytes)
        insert.bind(10, diagnostics?.runTimeMilliseconds)
        insert.bind(11, diagnostics?.standardError?.replacing("\0", with: "\u{FFFD}"))
        try insert.execute()
        try statement(
            """
            DELETE FROM stint_failures WHERE job_id = ?1 AND id <=
                (SELECT id FROM stint_failures WHERE job_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
            """
        ).execute(id, Self.failuresPerJob)
    }
}
