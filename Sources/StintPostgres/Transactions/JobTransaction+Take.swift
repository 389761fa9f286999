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
            // Before any of their rows: a claim by turns has the lock, and takes rows then.
            try await lockLines(of: wanted.values.map(\.place))
            taken.merge(try await remove(Array(wanted.values))) { $1 }
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
    /// - Returns: The jobs that were still in these states and queues, as their rows say: they may have been elsewhere in
    ///   between. Nobody changes the queue or the priority of a job without taking it out of its state, so these stay what
    ///   they are now.
    private func remove(_ jobs: [Located]) async throws -> [Int64: Located] {
        var removed: [Located] = []
        let byState = Dictionary(grouping: jobs.sorted { $0.id < $1.id }, by: \.state)
        for (state, jobs) in byState.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            switch state {
            case .ready: removed += try await removeReady(jobs)
            case .leased: removed += try await removeLeased(jobs)
            case .delayed, .buried, .done, .cancelled, .expired:
                removed += try await run(
                    Self.remove(state), .ints(jobs.map(\.id)), .int32s(jobs.map { Int32(clamping: $0.place.queue) })
                ).map { try Self.removed($0, state) }
            }
        }
        let priorities = try await run(
            "SELECT id, priority FROM stint.jobs WHERE id = ANY ($1)", .ints(removed.map(\.id)))
        var byID = Dictionary(removed.map { ($0.id, $0) }) { $1 }
        for row in priorities { byID[try row.int(0)]?.place.priority = try row.int(1) }
        for job in removed { leave(job) }
        return byID
    }

    /// Counts a job that was taken out of its state.
    private func leave(_ job: Located) {
        let queue = job.place.queue
        switch job.state {
        case .ready: count(queue, ready: -1)
        case .delayed:
            count(queue, delayed: -1)
            // In a strict order its group may have waited for it.
            if job.place.group != nil { change.wakes.insert(queue) }
        case .leased:
            count(queue, leased: -1)
            change.revokes = true
            // Its queue or group may have been at its limit.
            change.wakes.insert(queue)
        case .buried:
            count(queue, buried: -1)
            if let group = job.errorGroup { countError(group, queue, -1, at: now.wall) }
        case .done, .cancelled, .expired: break
        }
    }

    private static func remove(_ state: JobState) -> String {
        let at = state == .buried ? "buried_at" : state.orderColumn!
        return """
            DELETE FROM \(state.table) s USING unnest($1::bigint[], $2::integer[]) AS t (job, queue)
            WHERE s.job_id = t.job AND s.queue_id = t.queue
            RETURNING job_id, queue_id, attempts, crashes, \(state.isUnfinished ? "suspect" : "false"), group_id,
                      \(state.isOver ? "NULL::bigint" : "expires_at"), \(at), \(state.hasReason ? "reason" : "NULL::text"),
                      \(state == .delayed ? "holds_group" : "false"), \(state == .buried ? "error_group" : "NULL::bigint")
            """
    }

    private static func removed(_ row: PostgresRow, _ state: JobState) throws -> Located {
        var job = Located(
            id: try row.int(0),
            place: JobPlace(
                queue: try row.int(1), priority: 0, group: try row.optionalInt(5), expiresAt: try row.optionalInt(6)),
            state: state, attempts: try row.int(2), crashes: try row.int(3), suspect: try row.bool(4), token: nil)
        job.at = try row.optionalInt(7)
        job.reason = try row.optionalText(8)
        job.holdsGroup = try row.bool(9)
        job.errorGroup = try row.optionalInt(10)
        return job
    }

    private func removeReady(_ jobs: [Located]) async throws -> [Located] {
        try await run(Self.deleteReady(jobs.map { ($0.place, $0.id) })).joined().map { row in
            Located(
                id: try row.int(0),
                place: JobPlace(
                    queue: try row.int(1), priority: try row.int(2), group: try row.optionalInt(6),
                    expiresAt: try row.optionalInt(7)),
                state: .ready, attempts: try row.int(3), crashes: try row.int(4), suspect: try row.bool(5), token: nil)
        }
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
                RETURNING r.job_id, r.queue_id, r.priority, r.attempts, r.crashes, r.suspect, r.group_id, r.expires_at,
                          r.ready_at
                """,
                [
                    .int32s(mine.map { Int32(clamping: $0.place.queue) }), .ints(mine.map(\.place.priority)),
                    .ints(mine.map(\.id)),
                ])
        }
    }

    private func removeLeased(_ jobs: [Located]) async throws -> [Located] {
        // What others have just settled is no longer in the arrays when the lock is had.
        let leases = try await lockLeases(Set(jobs.compactMap(\.token)))
        let taken = jobs.compactMap { job -> Located? in
            guard let token = job.token, let lease = leases[token], let held = lease.jobs[job.id] else { return nil }
            return Located(
                id: job.id, place: lease.place(of: held, priority: job.place.priority), state: .leased,
                attempts: held.attempts, crashes: held.crashes, suspect: lease.isSuspect, token: token)
        }
        let gone = Set(taken.map(\.id))
        if !gone.isEmpty { _ = try await run(Self.shrinkLeases(leases.keys, by: gone) + [Self.markClaimed(gone)]) }
        return taken
    }

    // MARK: - Leases

    /// Removes jobs from the arrays of leases, and leases with their last jobs. The leases are locked.
    static func shrinkLeases(_ tokens: some Collection<Int64>, by jobs: some Collection<Int64>) -> [PostgresStatement] {
        let parameters: [PostgresValue] = [.ints(tokens.sorted()), .ints(jobs.sorted())]
        return [
            PostgresStatement("DELETE FROM stint.leases WHERE token = ANY ($1) AND job_ids <@ $2", parameters),
            PostgresStatement(
                """
                UPDATE stint.leases l SET \(LeaseRow.without(jobs: "$2"))
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
}
