import StintCore

/// Takes jobs out of their states. Between a look at a job and the change, another transaction may have moved it: what
/// counts is what the statement has deleted that takes it out, and it is looked for again if there was nothing.
extension JobTransaction {
    /// How often a job is looked for that others move at the same time.
    private static let maximumLooks = 20

    /// Finds jobs, in whatever states they are. Jobs that an operation has deleted are in none.
    func locate(_ ids: [Int64]) async throws -> [Int64: Located] {
        guard !ids.isEmpty else { return [:] }
        var found: [Int64: Located] = [:]
        for row in try await run(Self.locate, .ints(ids)) {
            let place = JobPlace(
                queue: try row.int(1), priority: try row.int(2), group: try row.optionalInt(7),
                expiresAt: try row.optionalInt(8))
            let id = try row.int(0)
            found[id] = Located(
                id: id, place: place, state: JobState(rawValue: try row.text(3)) ?? .ready, attempts: try row.int(4),
                crashes: try row.int(5), suspect: try row.bool(6), token: try row.optionalInt(9))
        }
        return found
    }

    private static let locate = """
        WITH held AS MATERIALIZED (
            SELECT job_id, attempts, crashes, suspect, group_id, expires_at, token FROM stint.leased
            WHERE job_id = ANY ($1)
        )
        SELECT j.id, j.queue_id, j.priority, s.state, s.attempts, s.crashes, s.suspect, s.group_id, s.expires_at, s.token
        FROM stint.jobs j CROSS JOIN LATERAL (
            SELECT 'ready' AS state, attempts, crashes, suspect, group_id, expires_at, NULL::bigint AS token
            FROM stint.ready r
            WHERE r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NULL
            UNION ALL
            SELECT 'ready', attempts, crashes, suspect, group_id, expires_at, NULL FROM stint.ready r
            WHERE r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id IS NOT NULL
            UNION ALL
            SELECT 'delayed', attempts, crashes, suspect, group_id, expires_at, NULL FROM stint.delayed WHERE job_id = j.id
            UNION ALL
            SELECT 'leased', attempts, crashes, suspect, group_id, expires_at, token FROM held WHERE job_id = j.id
            UNION ALL
            SELECT 'buried', attempts, crashes, false, group_id, expires_at, NULL FROM stint.buried WHERE job_id = j.id
            UNION ALL
            SELECT 'done', attempts, crashes, false, group_id, NULL, NULL FROM stint.done WHERE job_id = j.id
            UNION ALL
            SELECT 'cancelled', attempts, crashes, false, group_id, NULL, NULL FROM stint.cancelled WHERE job_id = j.id
            UNION ALL
            SELECT 'expired', attempts, crashes, false, group_id, NULL, NULL FROM stint.expired WHERE job_id = j.id
        ) s
        WHERE j.id = ANY ($1)
        """

    /// Takes jobs out of their states; the caller puts them into others or deletes them. Holders lose their leases.
    ///
    /// - Parameter isWanted: Whether a job that was found is taken out of its state.
    /// - Returns: Those that were taken, as they were, and those that were not wanted. Ids of no job are in neither.
    func take(
        _ ids: [Int64], where isWanted: (Located) -> Bool = { _ in true }
    ) async throws -> (taken: [Int64: Located], others: [Int64: Located]) {
        var (taken, others): ([Int64: Located], [Int64: Located]) = ([:], [:])
        var rest = ids
        for _ in 0..<Self.maximumLooks {
            let found = try await locate(rest)
            let wanted = found.filter { isWanted($0.value) }
            others.merge(found.filter { !isWanted($0.value) }) { $1 }
            guard !wanted.isEmpty else { return (taken, others) }
            let gone = try await remove(Array(wanted.values))
            for id in gone { taken[id] = wanted[id] }
            rest = rest.filter { wanted[$0] != nil && taken[$0] == nil }
            if rest.isEmpty { return (taken, others) }
        }
        throw StintError(
            .databaseBusy,
            "job \(rest[0]) was moved by others each time when it was found, \(Self.maximumLooks) times; nothing was changed: "
                + "try again")
    }

    /// Deletes the rows of jobs in their states.
    ///
    /// - Returns: The jobs that were still there.
    private func remove(_ jobs: [Located]) async throws -> Set<Int64> {
        var removed: Set<Int64> = []
        let byState = Dictionary(grouping: jobs.sorted { $0.id < $1.id }, by: \.state)
        for (state, jobs) in byState.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            let gone: Set<Int64>
            switch state {
            case .ready: gone = try await removeReady(jobs)
            case .leased: gone = try await removeLeased(jobs)
            case .buried: gone = try await removeBuried(jobs)
            case .delayed, .done, .cancelled, .expired:
                gone = Set(
                    try await run(
                        "DELETE FROM \(state.table) WHERE job_id = ANY ($1) RETURNING job_id", .ints(jobs.map(\.id))
                    ).map { try $0.int(0) })
            }
            for job in jobs where gone.contains(job.id) {
                removed.insert(job.id)
                switch state {
                case .ready: count(job.place.queue, ready: -1)
                case .delayed:
                    count(job.place.queue, delayed: -1)
                    // In a strict order its group may have waited for it.
                    if job.place.group != nil { change.wakes.insert(job.place.queue) }
                case .leased:
                    count(job.place.queue, leased: -1)
                    change.revokes = true
                    // Its queue or group may have been at its limit.
                    change.wakes.insert(job.place.queue)
                case .buried: count(job.place.queue, buried: -1)
                case .done, .cancelled, .expired: break
                }
            }
        }
        return removed
    }

    private func removeReady(_ jobs: [Located]) async throws -> Set<Int64> {
        let rows = try await run(Self.deleteReady(jobs.map { ($0.place, $0.id) }))
        return Set(try rows.joined().map { try $0.int(0) })
    }

    /// Each of the two indexes has a part of the rows.
    static func deleteReady(_ jobs: [(place: JobPlace, id: Int64)]) -> [PostgresStatement] {
        ["IS NULL", "IS NOT NULL"].compactMap { isGrouped in
            let mine = jobs.filter { ($0.place.group == nil) == (isGrouped == "IS NULL") }
            if mine.isEmpty { return nil }
            return PostgresStatement(
                """
                DELETE FROM stint.ready r USING unnest($1::integer[], $2::bigint[], $3::bigint[]) AS t (queue, priority, job)
                WHERE r.queue_id = t.queue AND r.priority = t.priority AND r.job_id = t.job AND r.group_id \(isGrouped)
                RETURNING r.job_id
                """,
                [
                    .int32s(mine.map { Int32(clamping: $0.place.queue) }), .ints(mine.map(\.place.priority)),
                    .ints(mine.map(\.id)),
                ])
        }
    }

    private func removeLeased(_ jobs: [Located]) async throws -> Set<Int64> {
        let tokens = Set(jobs.compactMap(\.token)).sorted()
        // What others have just settled is no longer in the arrays when the lock is had.
        let held = try await run(
            "SELECT job_ids FROM stint.leases WHERE token = ANY ($1) ORDER BY token FOR UPDATE", .ints(tokens)
        ).reduce(into: Set<Int64>()) { $0.formUnion(try $1.ints(0)) }
        let gone = Set(jobs.map(\.id)).intersection(held)
        if !gone.isEmpty { _ = try await run(Self.shrinkLeases(tokens, by: gone) + [Self.markClaimed(gone)]) }
        return gone
    }

    private func removeBuried(_ jobs: [Located]) async throws -> Set<Int64> {
        let rows = try await run(
            "DELETE FROM stint.buried WHERE job_id = ANY ($1) RETURNING job_id, error_group, queue_id",
            .ints(jobs.map(\.id)))
        for row in rows { countError(try row.int(1), try row.int(2), -1, at: now.wall) }
        return Set(try rows.map { try $0.int(0) })
    }

    // MARK: - Leases

    /// Removes jobs from the arrays of leases, and leases with their last jobs. The leases are locked.
    static func shrinkLeases(_ tokens: some Collection<Int64>, by jobs: some Collection<Int64>) -> [PostgresStatement] {
        let parameters: [PostgresValue] = [.ints(tokens.sorted()), .ints(jobs.sorted())]
        return [
            PostgresStatement("DELETE FROM stint.leases WHERE token = ANY ($1) AND job_ids <@ $2", parameters),
            PostgresStatement(
                """
                UPDATE stint.leases l SET (job_ids, attempts, crashes, group_ids, expiries) = (
                    SELECT array_agg(job_id ORDER BY place), array_agg(attempts ORDER BY place),
                           array_agg(crashes ORDER BY place),
                           CASE WHEN l.group_ids IS NOT NULL THEN array_agg(l.group_ids[place] ORDER BY place) END,
                           CASE WHEN l.expiries IS NOT NULL THEN array_agg(l.expiries[place] ORDER BY place) END
                    FROM unnest(l.job_ids, l.attempts, l.crashes) WITH ORDINALITY AS h (job_id, attempts, crashes, place)
                    WHERE job_id <> ALL ($2))
                WHERE token = ANY ($1) AND job_ids && $2
                """, parameters),
        ]
    }

    /// Jobs that leave their lease without being done take no more events, and nothing replaces them.
    static func markClaimed(_ jobs: some Collection<Int64>) -> PostgresStatement {
        PostgresStatement(
            "UPDATE stint.unique_keys SET was_claimed = true WHERE job_id = ANY ($1) AND NOT was_claimed",
            [.ints(jobs.sorted())])
    }
}

extension JobState {
    /// Where the jobs of a state are. The only place that maps states to tables.
    var table: String {
        switch self {
        case .ready: "stint.ready"
        case .delayed: "stint.delayed"
        // A view: the table has a row a claim.
        case .leased: "stint.leased"
        case .buried: "stint.buried"
        case .done: "stint.done"
        case .cancelled: "stint.cancelled"
        case .expired: "stint.expired"
        }
    }

    /// The column that orders the jobs of a queue in this state; `nil`: their ids do.
    var orderColumn: String? {
        switch self {
        case .ready: "priority"
        case .delayed: "run_at"
        case .leased, .buried: nil
        case .done: "done_at"
        case .cancelled: "cancelled_at"
        case .expired: "expired_at"
        }
    }
}
