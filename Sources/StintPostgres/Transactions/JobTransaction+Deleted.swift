import StintCore

/// Jobs that an operation has deleted: they have no state, so that nothing finds them, and can be brought back until
/// they are purged. Their payloads, failures and events stay where they are.
extension JobTransaction {
    /// How many one reap purges.
    private static let purgesPerReap: Int64 = 1_000

    // MARK: - Set aside

    /// Takes jobs out of the states in which they were found, and frees their unique keys.
    ///
    /// - Returns: How many.
    func setAside(_ found: [Located], by operation: Int64) async throws -> Int {
        let jobs = try await take(Targets(found: found), .delete).taken
        guard !jobs.isEmpty else { return 0 }
        let gone = jobs.map(\.id)
        _ = try await run([
            PostgresStatement(
                """
                INSERT INTO stint.deleted (operation_id, job_id, queue_id, state, attempts, crashes, suspect, at, reason,
                                           group_id, expires_at, holds_group, error_group, unique_key, was_claimed)
                SELECT $1, d.*, k.key, coalesce(k.was_claimed, false)
                FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::integer[], $6::integer[], $7::boolean[],
                            $8::bigint[], $9::text[], $10::bigint[], $11::bigint[], $12::boolean[], $13::bigint[])
                     AS d (job_id, queue_id, state, attempts, crashes, suspect, at, reason, group_id, expires_at,
                           holds_group, error_group)
                LEFT JOIN stint.unique_keys k ON k.job_id = d.job_id
                """,
                [
                    .int(operation), .ints(gone), .int32s(jobs.map { Int32(clamping: $0.place.queue) }),
                    .texts(jobs.map(\.state.rawValue)), .int32s(jobs.map { Int32(clamping: $0.attempts) }),
                    .int32s(jobs.map { Int32(clamping: $0.crashes) }), .bools(jobs.map(\.suspect)),
                    .ints(jobs.map(\.at)), .texts(jobs.map(\.reason)), .ints(jobs.map(\.place.group)),
                    .ints(jobs.map(\.place.expiresAt)), .bools(jobs.map(\.holdsGroup)), .ints(jobs.map(\.errorGroup)),
                ]),
            PostgresStatement("DELETE FROM stint.unique_keys WHERE job_id = ANY ($1)", [.ints(gone)]),
        ])
        return gone.count
    }

    // MARK: - Bring back

    private static let deletedJobs = """
        SELECT d.job_id, d.queue_id, j.priority, d.group_id, d.expires_at, d.state, d.attempts, d.crashes, d.suspect, d.at,
               d.reason, d.holds_group, d.error_group, d.unique_key, d.was_claimed
        FROM stint.deleted d JOIN stint.jobs j ON j.id = d.job_id
        WHERE d.operation_id = $1 AND d.job_id > $2 ORDER BY d.job_id LIMIT $3::bigint FOR UPDATE OF d
        """

    /// Brings back the next jobs of an operation, in the order of their ids.
    ///
    /// - Returns: How many, how many could not since their unique key was taken, and the last one that was read; `nil` at
    ///   the end.
    func bringBack(
        of operation: Int64, after job: Int64, limit: Int
    ) async throws -> (restored: Int, skipped: Int, last: Int64?) {
        let rows = try await run(Self.deletedJobs, .int(operation), .int(job), .int(Int64(limit)))
        var jobs: [Located] = []
        var keys: [(job: Int64, key: String, wasClaimed: Bool)] = []
        var queues: [Int64] = []
        for row in rows {
            var job = Located(
                id: try row.int(0),
                place: JobPlace(
                    queue: try row.int(1), priority: try row.int(2), group: try row.optionalInt(3),
                    expiresAt: try row.optionalInt(4)),
                state: JobState(rawValue: try row.text(5)) ?? .ready, attempts: try row.int(6), crashes: try row.int(7),
                suspect: try row.bool(8), token: nil)
            job.at = try row.optionalInt(9)
            job.reason = try row.optionalText(10)
            job.holdsGroup = try row.bool(11)
            job.errorGroup = try row.optionalInt(12)
            jobs.append(job)
            if let key = try row.optionalText(13), !job.state.isOver {
                keys.append((job.id, key, try row.bool(14)))
                queues.append(job.place.queue)
            }
        }
        try await lockLines(of: jobs.map(\.place))
        let skipped = try await hold(keys, in: queues)
        let restored = jobs.filter { !skipped.contains($0.id) }
        try await putBack(restored)
        try await run("DELETE FROM stint.deleted WHERE job_id = ANY ($1)", .ints(restored.map(\.id)))
        return (restored.count, skipped.count, jobs.count < limit ? nil : jobs.last?.id)
    }

    // MARK: - Purge

    private static let operationsToPurge = """
        SELECT id FROM stint.operations WHERE restorable_until <= $1 ORDER BY restorable_until LIMIT $2::bigint
        """

    func hasDeletedToPurge() async throws -> Bool {
        try await !run(Self.operationsToPurge, .int(now.wall), .int(1)).isEmpty
    }

    /// Deletes jobs for good that cannot be brought back any more; a bounded number of them.
    ///
    /// - Returns: How many.
    func purgeDeleted() async throws -> Int {
        var count = 0
        for row in try await run("\(Self.operationsToPurge) FOR UPDATE SKIP LOCKED", .int(now.wall), .int(10)) {
            let operation = try row.int(0)
            let room = Self.purgesPerReap - Int64(count)
            guard room > 0 else { break }
            let jobs = try await run(
                """
                DELETE FROM stint.deleted WHERE job_id IN (
                    SELECT job_id FROM stint.deleted WHERE operation_id = $1 ORDER BY job_id LIMIT $2::bigint)
                RETURNING job_id
                """, .int(operation), .int(room)
            ).map { try $0.int(0) }
            _ = try await run(Self.forget(jobs))
            count += jobs.count
            guard jobs.count < room else { continue }
            try await run("UPDATE stint.operations SET restorable_until = NULL WHERE id = $1", .int(operation))
        }
        return count
    }
}
