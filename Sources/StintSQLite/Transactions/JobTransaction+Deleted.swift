import StintCore

/// Jobs that an operation has deleted: they have no state, so that nothing finds them, and can be brought back until
/// they are purged. Their payloads, failures and events stay where they are.
extension JobTransaction {
    /// How many one reap purges.
    private static let purgesPerReap: Int64 = 1_000

    // MARK: - Set aside

    /// Takes a job out of its state, and frees its unique key.
    func setAside(_ job: Located, by operation: Int64) throws {
        let insert = try statement(Self.setAside(job.state))
        insert.bind(1, job.id)
        insert.bind(2, operation)
        insert.bind(3, job.place.queue)
        if job.state == .ready { insert.bind(4, job.place.priority) }
        try insert.execute()
        try leave(job)
        try statement(HotSQL.deleteUniqueKey).execute(job.id)
    }

    private static func setAside(_ state: JobState) -> String {
        let at =
            switch state {
            case .ready, .leased: "NULL"
            case .delayed: "run_at"
            case .buried: "buried_at"
            case .done, .cancelled, .expired: state.orderColumn!
            }
        let reason =
            switch state {
            case .ready, .delayed, .leased, .done: "NULL"
            case .buried, .cancelled, .expired: "reason"
            }
        let wasClaimed = state == .leased ? "1" : "(SELECT was_claimed FROM stint_unique_keys WHERE job_id = ?1)"
        return """
            INSERT OR REPLACE INTO stint_deleted (job_id, operation_id, queue_id, state, attempts, crashes, suspect, at,
                                                  reason, group_id, expires_at, holds_group, unique_key, was_claimed,
                                                  error_group)
            SELECT ?1, ?2, ?3, '\(state.rawValue)', attempts, crashes, \(state.hasSuspects ? "suspect" : "0"), \(at),
                   \(reason), group_id, \(state.isOver ? "NULL" : "expires_at"),
                   \(state == .delayed ? "holds_group" : "0"), (SELECT key FROM stint_unique_keys WHERE job_id = ?1),
                   coalesce(\(wasClaimed), 0), \(state == .buried ? "error_group" : "NULL")
            FROM \(state.table)
            WHERE \(state == .ready ? "queue_id = ?3 AND priority = ?4 AND job_id = ?1" : "job_id = ?1")
            """
    }

    // MARK: - Bring back

    static let deletedJobs = """
        SELECT d.job_id, d.queue_id, d.state, d.attempts, d.crashes, d.suspect, coalesce(d.at, 0), d.reason, d.group_id,
               d.expires_at, d.holds_group, d.unique_key, j.priority, d.was_claimed, d.error_group
        FROM stint_deleted d JOIN stint_jobs j ON j.id = d.job_id
        WHERE d.operation_id = ?1 AND d.job_id > ?2 ORDER BY d.job_id LIMIT ?3
        """

    /// Brings back the next jobs of an operation, in the order of their ids.
    ///
    /// - Returns: How many, how many could not, and the last one that was read; `nil` at the end.
    func bringBack(
        of operation: Int64, after job: Int64, limit: Int
    ) throws -> (restored: Int, skipped: Int, last: Int64?) {
        let jobs = try statement(Self.deletedJobs).rows(operation, job, Int64(limit), read: Returning.init(deleted:))
        var restored = 0
        for deleted in jobs where try bringBack(deleted) { restored += 1 }
        return (restored, jobs.count - restored, jobs.count < limit ? nil : jobs.last?.job.id)
    }

    /// - Returns: Whether it is back: `false` if its unique key was taken meanwhile.
    private func bringBack(_ deleted: Returning) throws -> Bool {
        guard try putBack(deleted) == nil else { return false }
        try statement("DELETE FROM stint_deleted WHERE job_id = ?1").execute(deleted.job.id)
        return true
    }

    // MARK: - Purge

    static let operationsToPurge = """
        SELECT id FROM stint_operations WHERE restorable_until <= ?1 ORDER BY restorable_until LIMIT ?2
        """

    /// Deletes jobs for good that cannot be brought back any more; a bounded number of them, and of their bytes.
    ///
    /// - Returns: How many.
    func purgeDeleted() throws -> Int {
        var (count, bytes): (Int64, Int64) = (0, 0)
        for operation in try statement(Self.operationsToPurge).rows(now.wall, 10, read: { $0.int(0) }) {
            let room = Self.purgesPerReap - count
            guard room > 0, bytes < Self.payloadBytesPerStep else { break }
            let jobs = try statement(
                """
                SELECT d.job_id, coalesce((SELECT bytes FROM stint_digests WHERE job_id = d.job_id), length(j.payload), 0)
                FROM stint_deleted d LEFT JOIN stint_jobs j ON j.id = d.job_id
                WHERE d.operation_id = ?1 ORDER BY d.job_id LIMIT ?2
                """
            ).rows(operation, room) { row -> Int64? in
                guard bytes < Self.payloadBytesPerStep else { return nil }
                bytes += row.tally(1)
                return row.int(0)
            }
            for job in jobs {
                try forget(job)
                try statement("DELETE FROM stint_deleted WHERE job_id = ?1").execute(job)
            }
            count += Int64(jobs.count)
            guard jobs.count < room, bytes < Self.payloadBytesPerStep else { continue }
            try statement("UPDATE stint_operations SET restorable_until = NULL WHERE id = ?1").execute(operation)
        }
        return Int(count)
    }
}

extension JobTransaction.Returning {
    /// Reads a row of ``JobTransaction/deletedJobs``.
    fileprivate init(deleted row: Statement.Row) {
        let state = JobState(rawValue: row.text(2)) ?? .ready
        self.init(
            job: JobTransaction.Located(
                id: row.int(0),
                place: JobPlace(
                    queue: row.int(1), priority: row.int(12), group: row.optionalInt(8), expiresAt: row.optionalInt(9)),
                state: state, attempts: row.tally(3), crashes: row.tally(4), suspect: row.int(5) != 0, token: nil),
            at: row.int(6), reason: row.optionalText(7), holdsGroup: row.int(10) != 0, key: row.optionalText(11),
            wasClaimed: row.int(13) != 0, errorGroup: row.optionalInt(14))
    }
}
