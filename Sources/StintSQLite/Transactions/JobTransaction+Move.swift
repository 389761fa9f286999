import StintCore

/// The database that is left by its jobs; see ``MovableStore``.
extension JobTransaction {
    static let selectMoves = "SELECT direction, move_id, phase, peer, frozen_until, run FROM stint_moves"

    struct MoveRow {
        let direction: MoveDirection
        let state: MoveState
        let frozenUntil: Int64?

        /// Not for longer than a freeze may be, if the clock was set back.
        func isFrozen(at now: Int64) -> Bool {
            guard state.phase == .frozen, let frozenUntil else { return false }
            return frozenUntil > now && frozenUntil - now <= MovePhase.longestFreeze.milliseconds
        }
    }

    /// Mostly there are none.
    func moves() throws -> [MoveRow] {
        if let known = shared?.moves { return known }
        let rows = try readMoves()
        shared?.moves = rows
        return rows
    }

    private func readMoves() throws -> [MoveRow] {
        try statement(Self.selectMoves).rows { row in
            guard let direction = MoveDirection(rawValue: row.text(0)), let phase = MovePhase(rawValue: row.text(2))
            else { return nil }
            return MoveRow(
                direction: direction,
                state: MoveState(move: MoveID(row.text(1), run: row.text(5)), phase: phase, peer: row.text(3)),
                frozenUntil: row.optionalInt(4))
        }
    }

    func move(_ direction: MoveDirection) throws -> MoveRow? { try moves().first { $0.direction == direction } }

    func add(_ move: MoveID, _ direction: MoveDirection, _ phase: MovePhase, peer: String) throws {
        shared?.moves = nil
        let insert = try statement(
            "INSERT INTO stint_moves (direction, move_id, phase, peer, started_at, run) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        )
        insert.bind(1, direction.rawValue)
        insert.bind(2, move.description)
        insert.bind(3, phase.rawValue)
        insert.bind(4, peer)
        insert.bind(5, now.wall)
        insert.bind(6, move.run)
        try insert.execute()
    }

    func setRun(_ move: MoveID, _ direction: MoveDirection) throws {
        shared?.moves = nil
        let update = try statement("UPDATE stint_moves SET run = ?2 WHERE direction = ?1")
        update.bind(1, direction.rawValue)
        update.bind(2, move.run)
        try update.execute()
    }

    func set(_ phase: MovePhase, _ direction: MoveDirection, frozenUntil: Int64? = nil) throws {
        shared?.moves = nil
        let update = try statement("UPDATE stint_moves SET phase = ?2, frozen_until = ?3 WHERE direction = ?1")
        update.bind(1, direction.rawValue)
        update.bind(2, phase.rawValue)
        update.bind(3, frozenUntil)
        try update.execute()
    }

    // MARK: - Notes

    /// What is noted: every job enters or leaves a table with each change of it.
    private static let notedTables: [(table: String, column: String, events: [String])] = [
        ("stint_jobs", "id", ["UPDATE", "DELETE"]),
        ("stint_ready", "job_id", ["INSERT", "UPDATE", "DELETE"]),
        ("stint_delayed", "job_id", ["INSERT", "UPDATE", "DELETE"]),
        ("stint_leased", "job_id", ["INSERT", "DELETE"]),
        ("stint_buried", "job_id", ["INSERT", "UPDATE", "DELETE"]),
        ("stint_done", "job_id", ["INSERT", "DELETE"]),
        ("stint_cancelled", "job_id", ["INSERT", "DELETE"]),
        ("stint_expired", "job_id", ["INSERT", "DELETE"]),
        ("stint_unique_keys", "job_id", ["INSERT", "UPDATE", "DELETE"]),
        ("stint_events", "job_id", ["INSERT"]),
        ("stint_digests", "job_id", ["INSERT", "UPDATE"]),
    ]

    private static var triggers: [(name: String, create: String)] {
        notedTables.flatMap { table, column, events in
            events.map { event in
                let name = "stint_noted_\(table.dropFirst("stint_".count))_\(event.lowercased())"
                let row = event == "DELETE" ? "OLD" : "NEW"
                return (
                    name,
                    """
                    CREATE TRIGGER IF NOT EXISTS \(name) AFTER \(event) ON \(table)
                    BEGIN INSERT INTO stint_move_notes (job_id) VALUES (\(row).\(column)); END
                    """
                )
            }
        }
    }

    func notedChanges(limit: Int) throws -> NotedChanges {
        var (changes, known, bytes) = (NotedChanges(), Set<Int64>(), 0)
        let notes = try statement("SELECT note, job_id FROM stint_move_notes ORDER BY note LIMIT ?1")
            .rows(Int64(max(0, limit))) { (note: $0.int(0), job: $0.int(1)) }
        for (note, job) in notes {
            if !known.contains(job) {
                guard bytes < StoredJob.maximumBytes, known.count < StoredJob.maximumCount else { break }
                known.insert(job)
                changes.ids.append(JobID(rawValue: job))
                if let stored = try storedJob(JobID(rawValue: job)) {
                    bytes += stored.body.byteCount
                    changes.jobs.append(stored)
                }
            }
            changes.notes.append(note)
        }
        return changes
    }

    func hasNotes() throws -> Bool {
        try statement("SELECT 1 FROM stint_move_notes LIMIT 1").first { _ in true } ?? false
    }

    /// For `stint doctor`.
    func countNotes() throws -> Int {
        try statement("SELECT count(*) FROM stint_move_notes").first { Int($0.tally(0)) } ?? 0
    }

    /// After the move.
    func sealNoted(limit: Int) throws -> NotedChanges {
        let changes = try notedChanges(limit: limit)
        // As one that was claimed: a job of its own begins. Not by removing the key, which goes along with the job.
        for job in changes.jobs where job.record.uniqueKey != nil {
            try statement(HotSQL.markClaimed).execute(job.id.rawValue)
        }
        return changes
    }

    func removeNotes(_ notes: [Int64]) throws {
        let delete = try statement("DELETE FROM stint_move_notes WHERE note = ?1")
        for note in notes { try delete.execute(note) }
    }

    // MARK: - Out

    func beginMove(_ move: MoveID, to target: String, _ name: String) throws {
        for row in try moves() {
            switch row.state.phase {
            case .arrived: continue
            case .copying, .frozen:
                if row.state.move == move && row.state.peer == target { return try setRun(move, .out) }
            case .arriving, .moved: break
            }
            throw StintError.otherMove(name, row.state)
        }
        try add(move, .out, .copying, peer: target)
        for trigger in Self.triggers { try database.execute(sql: trigger.create) }
    }

    func freeze(_ move: MoveID, for duration: Duration, _ name: String) throws {
        let row = try self.move(.out)
        guard let state = row?.state, state.move == move, state.phase == .copying || state.phase == .frozen else {
            throw row.map { StintError.otherMove(name, $0.state) }
                ?? .invalidInput("\(name) is not being moved: begin the move again")
        }
        try set(.frozen, .out, frozenUntil: now.wall + min(duration, MovePhase.longestFreeze).milliseconds)
        // What is claimed and not started is given back; see `commitMove`.
        revokes = true
    }

    func commitMove(_ move: MoveID, lastCopied: JobID?) throws -> Bool {
        guard let row = try self.move(.out), row.state.move == move else { return false }
        if row.state.phase == .moved { return true }
        guard row.isFrozen(at: now.wall),
            try statement("SELECT 1 FROM stint_leased LIMIT 1").first(read: { _ in true }) == nil,
            try statement("SELECT 1 FROM stint_move_notes WHERE job_id <= ?1 LIMIT 1")
                .first(lastCopied?.rawValue ?? 0, read: { _ in true }) == nil
        else { return false }
        try set(.moved, .out)
        // A key of a job that has left must not refuse a job that is to be forwarded. This is noted; those jobs are copied.
        try statement("DELETE FROM stint_unique_keys WHERE job_id <= ?1").execute(lastCopied?.rawValue ?? 0)
        try statement("DELETE FROM stint_move_notes WHERE job_id <= ?1").execute(lastCopied?.rawValue ?? 0)
        // Tells all processes; see `moveSignals`.
        revokes = true
        return true
    }

    func abandonMove(_ move: MoveID, _ name: String) throws {
        guard let row = try self.move(.out), row.state.move == move else { return }
        guard row.state.phase != .moved else { throw StintError.otherMove(name, row.state) }
        for trigger in Self.triggers { try database.execute(sql: "DROP TRIGGER IF EXISTS \(trigger.name)") }
        try statement("DELETE FROM stint_move_notes").execute()
        shared?.moves = nil
        try statement("DELETE FROM stint_moves WHERE direction = 'out'").execute()
        wakesWorkers = true
    }

    func greatestToken() throws -> FencingToken {
        let last = try statement("SELECT seq FROM sqlite_sequence WHERE name = 'stint_leases'").first { $0.int(0) }
        return FencingToken(rawValue: last ?? 0)
    }

    func idempotencyKeys(after key: IdempotencyKeyRecord?, limit: Int) throws -> [IdempotencyKeyRecord] {
        let select = try statement(
            """
            SELECT q.name, k.key, k.job_id, k.enqueued_at
            FROM stint_queues q JOIN stint_idempotency_keys k ON k.queue_id = q.id
            WHERE (q.name, k.key) > (?1, ?2) ORDER BY q.name, k.key LIMIT ?3
            """)
        select.bind(1, key?.queue.description ?? "")
        select.bind(2, key?.key ?? "")
        select.bind(3, Int64(limit))
        return try select.rows { row in
            IdempotencyKeyRecord(
                queue: QueueName(stored: row.text(0)), key: row.text(1), job: JobID(rawValue: row.int(2)),
                enqueuedAt: row.int(3))
        }
    }

    func scheduleTicks() throws -> [ScheduleTicks] {
        try statement("SELECT name, ticked_until, next_tick FROM stint_schedules WHERE next_tick IS NOT NULL").rows {
            ScheduleTicks(name: $0.text(0), until: $0.int(1), next: $0.int(2))
        }
    }
}
