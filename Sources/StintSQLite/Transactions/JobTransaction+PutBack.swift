import StintCore

/// Puts jobs into states in which they were before: here, until an operation deleted them, or in another store.
extension JobTransaction {
    /// A job that is in no state, with what was known of it in its state.
    struct Returning {
        let job: Located
        /// When it runs, was buried or ended.
        let at: Int64
        let reason: String?
        let holdsGroup: Bool
        let key: String?
        let wasClaimed: Bool
        /// Of its burial.
        let errorGroup: Int64?
        /// `nil`: it is the last one.
        var burial: Int64?
        var readySince = ReadySince.now
    }

    /// - Returns: The job that has its unique key: then it was not put back. `nil`: it is back.
    func putBack(_ returning: Returning) throws -> JobID? {
        let (job, place) = (returning.job, returning.job.place)
        if let key = returning.key, !job.state.isOver {
            if let holder = try holder(of: key, in: place.queue) { return holder }
            try hold(key, in: place.queue, by: JobID(rawValue: job.id), wasClaimed: returning.wasClaimed)
        }
        switch job.state {
        case .ready, .leased:
            try makeWaiting(
                job.id, place, after: .zero, since: returning.readySince, attempts: job.attempts, crashes: job.crashes,
                suspect: job.suspect)
        case .delayed:
            try makeWaiting(
                job.id, place, after: .milliseconds(1), attempts: job.attempts, crashes: job.crashes,
                suspect: job.suspect, holdsGroup: returning.holdsGroup)
            try statement("UPDATE stint_delayed SET run_at = ?2 WHERE job_id = ?1").execute(job.id, returning.at)
        case .buried: try buryAgain(returning)
        case .done, .cancelled, .expired: try keepAgain(returning)
        }
        return nil
    }

    private func buryAgain(_ returning: Returning) throws {
        let (job, place) = (returning.job, returning.job.place)
        try insertBuried(
            job.id, place, at: returning.at, attempts: job.attempts, crashes: job.crashes, returning.reason ?? "",
            errorGroup: returning.errorGroup, burial: returning.burial)
        count(place.queue, buried: 1)
        if let group = returning.errorGroup { countError(group, place.queue, 1, at: returning.at) }
    }

    /// One that is over. The counts of such jobs are those since the queue was created, so they stay.
    private func keepAgain(_ returning: Returning) throws {
        let (job, state) = (returning.job, returning.job.state)
        let reason = state == .done ? "" : ", reason"
        let insert = try statement(
            """
            INSERT OR REPLACE INTO \(state.table) (job_id, queue_id, \(state.orderColumn!), attempts, crashes, group_id\(reason))
            VALUES (?1, ?2, ?3, ?4, ?5, ?6\(state == .done ? "" : ", ?7"))
            """)
        insert.bind(1, job.id)
        insert.bind(2, job.place.queue)
        insert.bind(3, returning.at)
        insert.bind(4, job.attempts)
        insert.bind(5, job.crashes)
        insert.bind(6, job.place.group)
        if state != .done { insert.bind(7, returning.reason ?? "") }
        try insert.execute()
    }
}
