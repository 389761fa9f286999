import StintCore

/// Puts jobs into states and takes them out again, and keeps the counts of their queues: the only place that does. A verb
/// takes a job out of its state, then puts it into the next one. What the next one is, ``Transition`` says.
extension JobTransaction {
    // MARK: - Into a state

    /// Ready, or delayed if the delay is above zero.
    ///
    /// - Parameter holdsGroup: Whether the job has run, so that in a strict order its group waits for it.
    @discardableResult
    func makeWaiting(
        _ id: Int64, _ place: JobPlace, after delay: Duration, attempts: Int64 = 0, crashes: Int64 = 0,
        suspect: Bool = false, holdsGroup: Bool = false
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
        let insert = try insertReady()
        bindWaiting(insert, place, attempts, crashes, suspect)
        insert.bind(1, place.queue)
        insert.bind(2, place.priority)
        insert.bind(3, id)
        try insert.execute()
        count(place.queue, ready: 1)
        if let group = place.group { try putInLine(group, of: place.queue) }
        return .ready
    }

    /// The columns that `HotSQL.insertReady` and `HotSQL.insertDelayed` have in common.
    private func bindWaiting(
        _ insert: Statement, _ place: JobPlace, _ attempts: Int64, _ crashes: Int64, _ suspect: Int64
    ) {
        insert.bind(4, attempts)
        insert.bind(5, crashes)
        insert.bind(6, suspect)
        insert.bind(7, place.group)
        insert.bind(8, place.expiresAt)
    }

    func bury(_ id: Int64, _ place: JobPlace, attempts: Int64, crashes: Int64, _ reason: String) throws {
        let insert = try statement(
            """
            INSERT OR REPLACE INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason, group_id, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        insert.bind(1, id)
        insert.bind(2, place.queue)
        insert.bind(3, now.wall)
        insert.bind(4, attempts)
        insert.bind(5, crashes)
        insert.bind(6, reason.replacing("\0", with: "\u{FFFD}"))
        insert.bind(7, place.group)
        insert.bind(8, place.expiresAt)
        try insert.execute()
        count(place.queue, buried: 1)
    }

    /// Ends a job that does not run (again), with the reason. It is kept if the queue has a retention.
    ///
    /// - Parameter state: `cancelled` or `expired`.
    func end(_ id: Int64, as state: JobState, _ place: JobPlace, attempts: Int64, crashes: Int64, _ reason: String) throws {
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
        } else {
            try forget(id)
        }
        count(place.queue, cancelled: state == .cancelled ? 1 : 0, expired: state == .expired ? 1 : 0)
    }

    private func retention(of queue: Int64) throws -> Int64 {
        try statement("SELECT retention_ms FROM stint_queues WHERE id = ?1").first(queue) { $0.int(0) } ?? 0
    }

    /// Deletes a job that is no longer in any state, with everything that belongs to it.
    func forget(_ id: Int64) throws {
        try statement(HotSQL.deleteJob).execute(id)
        try statement(HotSQL.deleteUniqueKey).execute(id)
        try statement(HotSQL.deleteFailures).execute(id)
        if try statement(HotSQL.deleteDigest).changes(id) > 0 { try statement(HotSQL.deleteEvents).execute(id) }
    }

    // MARK: - Out of a state

    /// Removes the job from its state; the caller puts it into another one or deletes it.
    func leave(_ job: Located) throws {
        switch job.state {
        case .ready:
            try statement(HotSQL.deleteReady).execute(job.place.queue, job.place.priority, job.id)
            count(job.place.queue, ready: -1)
        case .delayed:
            try statement(HotSQL.deleteDelayed).execute(job.id)
            count(job.place.queue, delayed: -1)
            if let group = job.place.group { try putInLine(group, of: job.place.queue) }
        case .leased:
            revokes = true
            try statement(HotSQL.markClaimed).execute(job.id)
            try statement("DELETE FROM stint_leased WHERE job_id = ?1").execute(job.id)
            count(job.place.queue, leased: -1)
            if let group = job.place.group { try putInLine(group, of: job.place.queue) }
            if let token = job.token {
                let jobs = try statement("SELECT jobs FROM stint_leases WHERE token = ?1").first(token) { $0.int(0) }
                try shrink(FencingToken(rawValue: token), jobs ?? 0, by: 1)
            }
        case .buried:
            try statement("DELETE FROM stint_buried WHERE job_id = ?1").execute(job.id)
            count(job.place.queue, buried: -1)
        case .done, .cancelled, .expired:
            try statement("DELETE FROM \(job.state.table) WHERE job_id = ?1").execute(job.id)
        }
    }

    /// Removes settled jobs from a lease, and the lease with its last job.
    func shrink(_ token: FencingToken, _ jobs: Int64, by settled: Int64) throws {
        if settled >= jobs {
            try statement(HotSQL.deleteLease).execute(token.rawValue)
        } else {
            try statement(HotSQL.shrinkLease).execute(token.rawValue, settled)
        }
    }
}

/// What stays with a job while it moves between states.
struct JobPlace {
    let queue: Int64
    let priority: Int64
    /// The row of its group; `nil` if it has none.
    var group: Int64?
    /// By the wall clock, in milliseconds; `nil`: never.
    var expiresAt: Int64?
}
