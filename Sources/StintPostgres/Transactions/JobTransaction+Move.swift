import StintCore

/// What becomes of a database that is left; see `stint.moves`.
extension JobTransaction {
    /// Time that a freeze has run out is no freeze.
    func moveState(_ direction: MoveDirection) async throws -> MoveState? {
        let row = try await run(
            """
            SELECT move_id, CASE WHEN phase = 'frozen' AND NOT frozen_until - $2 BETWEEN 1 AND 60000 THEN 'copying' ELSE phase END,
                   peer, run
            FROM stint.moves WHERE direction = $1
            """, .text(direction.rawValue), .int(now.wall)
        ).first
        guard let row else { return nil }
        let text = try row.text(1)
        guard let phase = MovePhase(rawValue: text) else {
            throw StintError(
                .databaseUnusable,
                "\(store.name) has a move in the phase \(quoted(text)), which this Stint does not know")
        }
        return MoveState(move: MoveID(try row.text(0), run: try row.text(3)), phase: phase, peer: try row.text(2))
    }

    /// Refuses what looks like an enqueue and is none.
    func refuseWhileMoved() async throws { try await run("SELECT stint.refuse_while_moved(NULL, false)") }

    /// - Throws: `invalidInput` if another process has begun to do the same move. None can until this transaction ends.
    func checkRun(_ direction: MoveDirection) async throws {
        guard let known = store.moverRuns.withLock({ $0[direction] }) else { return }
        let row = try await run(
            "SELECT run, phase FROM stint.moves WHERE direction = $1 FOR SHARE", .text(direction.rawValue)
        ).first
        guard let row, try row.text(0) == known, try !["arrived", "moved"].contains(row.text(1)) else {
            throw StintError.movedByOther(store.name)
        }
    }

    // MARK: - Table locks

    /// Those of which changes are noted or refused. Keys first: an enqueue that holds one waits for the other tables.
    private static let movingTables = [
        "unique_keys", "leases", "ready", "delayed", "jobs", "buried", "done", "cancelled", "expired", "events",
        "deleted",
        "queues", "groups", "schedules", "webhooks", "webhook_states", "operations", "workers", "restarts",
    ].map { "stint.\($0)" }.joined(separator: ", ")

    /// Locks all tables until the end of the transaction, and reads the time then.
    ///
    /// - Parameter endsVacuum: Whether to wait for one of them for so long that the server ends an autovacuum that has
    ///   it: it does that after `deadlock_timeout`, which is a second. Otherwise nobody waits that long.
    /// - Throws: `databaseBusy` if others have them.
    func lockTables(_ lock: TableLock, endsVacuum: Bool) async throws {
        try await run(
            "SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)",
            .text(endsVacuum ? "1300" : "300"), .text(endsVacuum ? "1500" : "900"))
        _ = try await run([PostgresStatement("LOCK TABLE \(Self.movingTables) IN \(lock.rawValue) MODE", isRare: true)])
        try await run("SELECT set_config('statement_timeout', '30000', true)")
        try await readTime()
    }

    // MARK: - Verbs

    func beginMove(_ move: MoveID, to target: String) async throws {
        if let arrival = try await moveState(.in), arrival.phase == .arriving {
            throw StintError.otherMove(store.name, arrival)
        }
        if let state = try await moveState(.out) {
            guard state.move == move, state.phase != .moved else { throw StintError.otherMove(store.name, state) }
            try await run("UPDATE stint.moves SET run = $1 WHERE direction = 'out'", .text(move.run))
            return
        }
        try await run("SELECT stint.begin_notes()")
        try await run(
            """
            INSERT INTO stint.moves (direction, move_id, phase, peer, started_at, run) VALUES ('out', $1, 'copying', $2, $3, $4)
            """, .text(move.description), .text(target), .int(now.wall), .text(move.run))
    }

    func freeze(_ move: MoveID, for duration: Duration) async throws {
        let state = try await ownMove(move)
        guard state.phase != .moved else { throw StintError.otherMove(store.name, state) }
        try await run("SELECT stint.raise_fence($1)", .text(move.description))
        try await run(
            "UPDATE stint.moves SET phase = 'frozen', frozen_until = $1 WHERE direction = 'out'",
            .int(now.wall + max(0, min(duration, MovePhase.longestFreeze).milliseconds)))
    }

    /// Nobody else writes meanwhile: what a freeze that has run out has let pass is noted, or has a lease.
    func commitMove(_ move: MoveID, lastCopied: JobID?) async throws -> Bool {
        let state = try await ownMove(move)
        if state.phase == .moved { return true }
        guard state.phase == .frozen else { return false }
        let last = PostgresValue.int(lastCopied?.rawValue ?? .min)
        let isBehind = try await run(
            """
            SELECT EXISTS (SELECT 1 FROM stint.leases) OR EXISTS (SELECT 1 FROM stint.move_notes WHERE job_id <= $1)
            """, last
        ).first?.bool(0)
        guard isBehind == false else { return false }
        try await run("UPDATE stint.moves SET phase = 'moved', frozen_until = NULL WHERE direction = 'out'")
        try await run("DELETE FROM stint.unique_keys WHERE job_id <= $1", last)
        // Tells all processes; see `moveSignals`.
        change.revokes = true
        return true
    }

    func abandonMove(_ move: MoveID) async throws {
        guard let state = try await moveState(.out) else { return }
        guard state.move == move, state.phase != .moved else { throw StintError.otherMove(store.name, state) }
        try await run("SELECT stint.drop_move_triggers()")
        try await run("DELETE FROM stint.move_notes")
        try await run("DELETE FROM stint.moves WHERE direction = 'out'")
    }

    /// - Throws: `invalidInput` if it has not begun.
    private func ownMove(_ move: MoveID) async throws -> MoveState {
        guard let state = try await moveState(.out) else {
            throw StintError.invalidInput("\(store.name) is not being moved: begin the move first")
        }
        guard state.move == move else { throw StintError.otherMove(store.name, state) }
        return state
    }

    // MARK: - Notes

    func notedChanges(limit: Int) async throws -> NotedChanges {
        changesNothing = true
        let rows = try await run(
            """
            SELECT n.note, n.job_id, coalesce(d.bytes, octet_length(j.payload), 0)::bigint
            FROM (SELECT note, job_id FROM stint.move_notes ORDER BY note LIMIT $1) n
            LEFT JOIN stint.jobs j ON j.id = n.job_id LEFT JOIN stint.digests d ON d.job_id = n.job_id
            ORDER BY n.note
            """, .int(Int64(max(1, min(limit, StoredJob.maximumCount)))))
        var (changes, seen, bytes) = (NotedChanges(), Set<Int64>(), Int64(0))
        for row in rows {
            guard bytes < StoredJob.maximumBytes else { break }
            changes.notes.append(try row.int(0))
            let id = try row.int(1)
            guard seen.insert(id).inserted else { continue }
            changes.ids.append(JobID(rawValue: id))
            bytes += try row.int(2)
        }
        let ids = seen.sorted()
        var keys: [Int64: String] = [:]
        if try await moveState(.out)?.phase == .moved { keys = try await freeKeys(of: ids) }
        changes.jobs = try await storedJobs(ids).map { job in
            var job = job
            if let key = keys[job.id.rawValue] { job.record.uniqueKey = key }
            return job
        }
        return changes
    }

    /// Frees the unique keys of jobs that are forwarded, so that no later enqueue changes one of them: it would be
    /// forwarded without that. They are kept with the notes, since a mover that dies reads these again.
    ///
    /// - Returns: All keys that these jobs have, or had.
    private func freeKeys(of ids: [Int64]) async throws -> [Int64: String] {
        // Waits for the end of enqueues that have one of them.
        let freed = try await run(
            "DELETE FROM stint.unique_keys WHERE job_id = ANY ($1) RETURNING job_id, key", .ints(ids))
        if !freed.isEmpty {
            try await run(
                """
                UPDATE stint.move_notes n SET unique_key = k.key FROM unnest($1::bigint[], $2::text[]) AS k (job_id, key)
                WHERE n.job_id = k.job_id
                """, .ints(try freed.map { try $0.int(0) }), .texts(try freed.map { try $0.text(1) }))
        }
        let rows = try await run(
            "SELECT job_id, unique_key FROM stint.move_notes WHERE job_id = ANY ($1) AND unique_key IS NOT NULL",
            .ints(ids))
        return Dictionary(try rows.map { (try $0.int(0), try $0.text(1)) }) { $1 }
    }

    /// For `stint doctor`.
    func moveFindings() async throws -> [Finding] {
        var findings: [Finding] = []
        for direction in [MoveDirection.out, .in] {
            guard let state = try await moveState(direction) else { continue }
            let notes = try await run("SELECT count(*) FROM stint.move_notes").first?.int(0)
            findings.append(Finding.move(state, direction, notes: Int(notes ?? 0)))
        }
        return findings
    }

    func removeNotes(_ notes: [Int64]) async throws {
        changesNothing = true
        try await run("DELETE FROM stint.move_notes WHERE note = ANY ($1)", .ints(notes))
    }

    func removeForwarded(_ jobs: [JobID], notes: [Int64]) async throws {
        guard let state = try await moveState(.out), state.phase == .moved else {
            throw StintError.invalidInput("\(store.name) was not moved, so none of its jobs was forwarded")
        }
        try await run("SELECT set_config('stint.mover', 'on', true)")
        try await removeWithoutTrace(jobs.map(\.rawValue))
        try await removeNotes(notes)
    }

    // MARK: - What goes along

    /// Each timeline of the server has its own range; see `stint.next_token`.
    static let tokenBase = "(('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint - 1 << 40)"

    func greatestToken() async throws -> FencingToken {
        let row = try await run(
            "SELECT \(Self.tokenBase) + CASE WHEN is_called THEN last_value ELSE 0 END FROM stint.tokens"
        ).first
        return FencingToken(rawValue: try row?.int(0) ?? 0)
    }

    func idempotencyKeys(after key: IdempotencyKeyRecord?, limit: Int) async throws -> [IdempotencyKeyRecord] {
        let rows = try await run(
            """
            SELECT q.name, k.key, k.job_id, k.enqueued_at
            FROM stint.idempotency_keys k JOIN stint.queues q ON q.id = k.queue_id
            WHERE $1::text IS NULL OR (q.name, k.key) > ($1 COLLATE "C", $2 COLLATE "C")
            ORDER BY q.name, k.key LIMIT $3::bigint
            """, .text(key?.queue.description), .text(key?.key), .int(Int64(max(1, limit))))
        return try rows.map { row in
            IdempotencyKeyRecord(
                queue: try QueueName(row.text(0)), key: try row.text(1), job: JobID(rawValue: try row.int(2)),
                enqueuedAt: try row.int(3))
        }
    }
}
