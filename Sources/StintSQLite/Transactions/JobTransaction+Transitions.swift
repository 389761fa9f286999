import StintCore

/// Moves jobs between their states and keeps the counts: the only place that does. A verb takes a job out of its state, then
/// puts it into the next one. Which one that is, ``Transition`` says. What takes it out is in `JobTransaction+Leave.swift`.
extension JobTransaction {
    /// Moves a job that has just left its lease to the state that the rules give.
    func move(
        _ id: JobID, _ queue: Int64, _ job: LeasedRow, _ transition: Transition, worker: String?,
        _ diagnostics: AttemptDiagnostics?
    ) throws -> JobState {
        try statement(HotSQL.markClaimed).execute(id.rawValue)
        if let failure = transition.failure {
            try record(failure, attempt: job.held.attempts, id.rawValue, worker: worker, diagnostics)
            note(queue) { $0.add(failure.kind) }
            try noteSearch(id.rawValue, in: queue)
        }
        let place = job.place(in: queue)
        switch transition.destination {
        case .done:
            try finish(id.rawValue, place, job.held)
            return .done
        case .waiting(let delay, let attempts, let crashes, let isSuspect):
            return try makeWaiting(
                id.rawValue, place, after: delay, attempts: attempts, crashes: crashes, suspect: isSuspect,
                holdsGroup: true)
        case .buried(let reason, let attempts, let crashes):
            try bury(
                id.rawValue, place, attempts: attempts, crashes: crashes, reason,
                latestError: transition.failure?.error)
            return .buried
        case .expired(let reason, let attempts, let crashes):
            try end(id.rawValue, as: .expired, place, attempts: attempts, crashes: crashes, reason)
            return .expired
        }
    }

    // MARK: - Into a state

    /// Since when a job is ready.
    enum ReadySince {
        case now
        /// Since the time that its row has.
        case enqueue
        case time(Timestamp)
    }

    /// Ready, or delayed if the delay is above zero.
    ///
    /// - Parameters:
    ///   - holdsGroup: Whether the job has run, so that in a strict order its group waits for it.
    @discardableResult
    func makeWaiting(
        _ id: Int64, _ place: JobPlace, after delay: Duration, since: ReadySince = .now, attempts: Int64 = 0,
        crashes: Int64 = 0, suspect: Bool = false, holdsGroup: Bool = false
    ) throws -> JobState {
        let suspect: Int64 = suspect ? 1 : 0
        var place = place
        place.group = try place.group ?? ungrouped(in: place.queue)
        if delay > .zero {
            let insert = try statement(HotSQL.insertDelayed)
            bindWaiting(insert, place, attempts, crashes, suspect)
            insert.bind(1, id)
            insert.bind(2, place.queue)
            insert.bind(3, now.wall + delay.milliseconds)
            insert.bind(9, holdsGroup && place.group != nil ? 1 : 0)
            try insert.execute()
            count(place.queue, delayed: 1)
            return .delayed
        }
        let insert: Statement
        switch since {
        case .enqueue: insert = try insertReady()
        case .now:
            insert = try insertReadySince()
            insert.bind(9, now.wall)
        case .time(let time):
            insert = try insertReadySince()
            insert.bind(9, time)
        }
        bindWaiting(insert, place, attempts, crashes, suspect)
        insert.bind(1, place.queue)
        insert.bind(2, place.priority)
        insert.bind(3, id)
        try insert.execute()
        count(place.queue, ready: 1)
        if let group = place.group { try putInLine(group, of: place.queue) }
        return .ready
    }

    /// The columns that `HotSQL.insertReady`, `HotSQL.insertReadySince` and `HotSQL.insertDelayed` have in common.
    private func bindWaiting(
        _ insert: Statement, _ place: JobPlace, _ attempts: Int64, _ crashes: Int64, _ suspect: Int64
    ) {
        insert.bind(4, attempts)
        insert.bind(5, crashes)
        insert.bind(6, suspect)
        insert.bind(7, place.group)
        insert.bind(8, place.expiresAt)
    }

    /// Makes delayed jobs ready.
    ///
    /// - Returns: How many.
    func promote(_ due: [(id: Int64, group: Int64?)], in queue: Int64) throws -> Int {
        let ungrouped = try ungrouped(in: queue)
        let insert = try statement(HotSQL.delayedToReady)
        let delete = try statement(HotSQL.deleteDelayed)
        var promoted = 0
        for (id, group) in due {
            // Nothing is promoted if another program has removed the job itself.
            insert.bind(1, id)
            insert.bind(2, ungrouped)
            promoted += try insert.changes()
            try delete.execute(id)
            if let group = group ?? ungrouped { try putInLine(group, of: queue) }
        }
        count(queue, ready: promoted, delayed: -due.count)
        return promoted
    }

    /// Gives jobs that have left the ready ones to the holder of a lease. Each gets one attempt more.
    ///
    /// - Parameter areCounted: Whether the queue limits what runs of a group.
    func lease(_ jobs: [Candidate], of queue: Int64, under token: FencingToken, areCounted: Bool) throws {
        let insert = try statement(HotSQL.insertLeased)
        for job in jobs {
            insert.bind(1, job.id)
            insert.bind(2, token.rawValue)
            insert.bind(3, job.attempts + 1)
            insert.bind(4, job.crashes)
            insert.bind(5, job.suspect ? 1 : 0)
            insert.bind(6, job.group)
            insert.bind(7, job.expiresAt)
            insert.bind(8, areCounted && job.group != nil ? 1 : 0)
            try insert.execute()
        }
        count(queue, leased: jobs.count)
        let waits = try waits(of: jobs)
        note(queue) { activity in
            activity.started += jobs.count
            activity.timeInQueue.merge(waits)
        }
    }

    /// - Parameter latestError: The error of the attempt that ends with this, if any.
    func bury(
        _ id: Int64, _ place: JobPlace, attempts: Int64, crashes: Int64, _ reason: String, latestError: String? = nil
    ) throws {
        let reason = reason.replacing("\0", with: "\u{FFFD}")
        let group = Self.errorGroup(reason, latestError)
        try insertBuried(
            id, place, at: now.wall, attempts: attempts, crashes: crashes, reason, errorGroup: group)
        count(place.queue, buried: 1)
        countError(group, place.queue, 1, at: now.wall)
        try noteSearch(id, in: place.queue)
    }

    /// The group of a burial's error, by a reason as it is stored.
    static func errorGroup(_ reason: String, _ latestError: String?) -> Int64 {
        ErrorFingerprint(burial: reason, latestError: latestError?.replacing("\0", with: "\u{FFFD}")).id.rawValue
    }

    /// Adds the row of a buried job. Its counts are the caller's.
    ///
    /// - Parameter burial: The number of its burial elsewhere; `nil`: it is the last one.
    func insertBuried(
        _ id: Int64, _ place: JobPlace, at time: Int64, attempts: Int64, crashes: Int64, _ reason: String,
        errorGroup: Int64?, burial: Int64? = nil
    ) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason, group_id, expires_at,
                                                 error_group, burial)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
            """)
        insert.bind(1, id)
        insert.bind(2, place.queue)
        insert.bind(3, time)
        insert.bind(4, attempts)
        insert.bind(5, crashes)
        insert.bind(6, reason)
        insert.bind(7, place.group)
        insert.bind(8, place.expiresAt)
        insert.bind(9, errorGroup)
        if let burial {
            insert.bind(10, burial)
            try statement("UPDATE stint_burials SET last = ?1 WHERE last < ?1").execute(burial)
        } else {
            insert.bind(10, try nextBurial())
        }
        try insert.execute()
    }

    /// Numbers a burial. Burials of a file that another program has damaged may have equal numbers.
    private func nextBurial() throws -> Int64 {
        try statement("UPDATE stint_burials SET last = min(last, \(Int64.max - 1)) + 1 RETURNING last")
            .first { $0.int(0) } ?? 0
    }

    func lastBurial() throws -> Int64 {
        // And of each queue, in its index: another program may have made the first number too small, and then no buried job
        // would be found.
        try statement(
            """
            SELECT max(last, coalesce((SELECT max(of_queue) FROM (
                SELECT (SELECT max(burial) FROM stint_buried WHERE queue_id = q.id) AS of_queue FROM stint_queues q)), 0))
            FROM stint_burials
            """
        ).first { $0.int(0) } ?? .max
    }

    /// Ends a job that does not run (again), with the reason. It is kept if the queue has a retention.
    ///
    /// - Parameter state: `cancelled` or `expired`.
    func end(_ id: Int64, as state: JobState, _ place: JobPlace, attempts: Int64, crashes: Int64, _ reason: String)
        throws
    {
        precondition(state == .cancelled || state == .expired, "a job is ended as \(state.rawValue) elsewhere")
        if try retention(of: place.queue) > 0 {
            let insert = try statement(
                """
                INSERT OR REPLACE INTO \(state.table) (job_id, queue_id, \(state.orderColumn!), attempts, crashes, reason, group_id)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                """)
            insert.bind(1, id)
            insert.bind(2, place.queue)
            insert.bind(3, now.wall)
            insert.bind(4, attempts)
            insert.bind(5, crashes)
            insert.bind(6, reason.replacing("\0", with: "\u{FFFD}"))
            insert.bind(7, place.group)
            try insert.execute()
            try statement(HotSQL.deleteUniqueKey).execute(id)
            try noteSearch(id, in: place.queue)
        } else {
            try forget(id)
        }
        count(place.queue, cancelled: state == .cancelled ? 1 : 0, expired: state == .expired ? 1 : 0)
    }

    /// Keeps the job if its queue has a retention, and forgets it if not. An ack does the same by ``acknowledge(_:_:_:_:)``.
    private func finish(_ id: Int64, _ place: JobPlace, _ attempt: HeldAttempt) throws {
        if try retention(of: place.queue) > 0 {
            let insert = try statement(
                """
                INSERT OR REPLACE INTO stint_done (job_id, queue_id, done_at, attempts, crashes, group_id)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                """)
            insert.bind(1, id)
            insert.bind(2, place.queue)
            insert.bind(3, now.wall)
            insert.bind(4, attempt.attempts)
            insert.bind(5, attempt.crashes)
            insert.bind(6, place.group)
            try insert.execute()
            try statement(HotSQL.deleteUniqueKey).execute(id)
        } else {
            try forget(id)
        }
        count(place.queue, done: 1)
    }

    private func retention(of queue: Int64) throws -> Int64 {
        try statement("SELECT retention_ms FROM stint_queues WHERE id = ?1").first(queue) { $0.int(0) } ?? 0
    }

    // MARK: - From leased to done

    /// An ack, as most leases end: with no look at the row, and with statements that are looked up once for all jobs. The
    /// caller counts.
    ///
    /// - Returns: `false` if the token is not the job's current one; nothing has changed then.
    func acknowledge(_ id: Int64, _ token: Int64, _ lease: SettledLease, _ cleanup: Cleanup) throws -> Bool {
        if lease.retention > 0 {
            try statement(HotSQL.leasedToDone).execute(id, token, lease.queue, now.wall)
        }
        if lease.anyGroupIsFull { try cleanup.putGroupInLine.execute(id, lease.queue, token) }
        guard try cleanup.deleteLeased.changes(id, token) == 1 else { return false }
        if lease.retention <= 0 {
            try cleanup.deleteJob.execute(id)
            try cleanup.deleteFailures(id)
            try cleanup.deleteEvents(id)
        }
        try cleanup.freeUniqueKey(id)
        return true
    }
}
