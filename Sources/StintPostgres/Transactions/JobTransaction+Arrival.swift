import StintCore

/// What becomes of a database to which the jobs of another one go; see `stint.moves`.
extension JobTransaction {
    func beginArrival(_ move: MoveID, from source: String) async throws {
        for state in [try await moveState(.in), try await moveState(.out)] {
            guard let state else { continue }
            if state.move == move, state.phase == .arriving {
                try await run(
                    "UPDATE stint.moves SET run = $1 WHERE direction = 'in'", .text(move.run))
                return
            }
            throw StintError.otherMove(store.name, state)
        }
        let isUsed = try await run(
            """
            SELECT EXISTS (SELECT 1 FROM stint.jobs) OR EXISTS (SELECT 1 FROM stint.schedules)
                   OR EXISTS (SELECT 1 FROM stint.webhooks)
            """
        ).first?.bool(0)
        guard isUsed == false else { throw StintError.notEmpty(store.name) }
        try await run("SELECT stint.raise_fence($1)", .text(move.description))
        try await run(
            """
            INSERT INTO stint.moves (direction, move_id, phase, peer, started_at, run) VALUES ('in', $1, 'arriving', $2, $3, $4)
            """, .text(move.description), .text(source), .int(now.wall), .text(move.run))
    }

    /// - Returns: Whether triggers are left that refused changes.
    func endArrival(_ move: MoveID) async throws -> Bool {
        guard let state = try await moveState(.in), state.move == move else {
            throw StintError.invalidInput("\(store.name) is not being filled by this move: begin it first")
        }
        try await run("UPDATE stint.moves SET phase = 'arrived' WHERE direction = 'in' AND phase = 'arriving'")
        return try await hasArrivalTriggers()
    }

    /// Not those of a later move to another database.
    private func hasArrivalTriggers() async throws -> Bool {
        let row = try await run(
            """
            SELECT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = 'stint.jobs'::regclass AND tgname = 'move_fence')
                   AND NOT EXISTS (SELECT 1 FROM stint.moves WHERE direction = 'out')
            """
        ).first
        return try row?.bool(0) ?? false
    }

    func dropArrivalTriggers() async throws {
        if try await hasArrivalTriggers() { try await run("SELECT stint.drop_move_triggers()") }
    }

    // MARK: - Jobs

    func replaceJobs(_ ids: [JobID], with jobs: [StoredJob]) async throws {
        // As an import.
        try await run("SELECT pg_advisory_xact_lock(\(Self.lockClass), -1)")
        let gone = Set(ids.map(\.rawValue)).union(jobs.map(\.id.rawValue)).union(try await keyHolders(of: jobs))
        try await removeWithoutTrace(gone.sorted())
        _ = try await importJobs(jobs)
    }

    /// The jobs that have the unique keys of these.
    private func keyHolders(of jobs: [StoredJob]) async throws -> [Int64] {
        let holders = jobs.map(\.record).filter { $0.uniqueKey != nil && !$0.state.isOver }
        guard !holders.isEmpty else { return [] }
        return try await run(
            """
            SELECT k.job_id FROM unnest($1::text[], $2::text[]) AS t (queue, key) JOIN stint.queues q ON q.name = t.queue
            JOIN stint.unique_keys k ON k.queue_id = q.id AND k.key = t.key
            """, .texts(holders.map(\.queue.description)), .texts(holders.map(\.uniqueKey))
        ).map { try $0.int(0) }
    }

    /// Deletes jobs as if they had never been there.
    func removeWithoutTrace(_ ids: [Int64]) async throws {
        guard !ids.isEmpty else { return }
        for job in try await take(ids).taken.values {
            let queue = job.place.queue
            note(queue) { activity in
                activity.enqueued -= 1
                switch job.state {
                case .buried: activity.buried -= 1
                case .done: activity.done -= 1
                case .cancelled: activity.cancelled -= 1
                case .expired: activity.expired -= 1
                case .ready, .delayed, .leased: break
                }
            }
        }
        _ = try await run(Self.forget(ids))
    }

    // MARK: - Keys and tokens

    func addIdempotencyKeys(_ keys: [IdempotencyKeyRecord]) async throws {
        guard !keys.isEmpty else { return }
        var queues: [QueueName: Int64] = [:]
        for key in keys where queues[key.queue] == nil { queues[key.queue] = try await queueID(key.queue) }
        // A statement writes each row once.
        var rows: [[String]: IdempotencyKeyRecord] = [:]
        for key in keys { rows[[key.queue.description, key.key]] = key }
        let all = Array(rows.values)
        try await run(
            """
            INSERT INTO stint.idempotency_keys (queue_id, key, job_id, enqueued_at)
            SELECT * FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::bigint[])
            ON CONFLICT (queue_id, key) DO UPDATE SET job_id = excluded.job_id, enqueued_at = excluded.enqueued_at
            """, .int32s(all.map { Int32(clamping: queues[$0.queue]!) }), .texts(all.map(\.key)),
            .ints(all.map(\.job.rawValue)), .ints(all.map(\.enqueuedAt)))
    }

    /// That stays so if the transaction is undone.
    func raiseTokens(above token: FencingToken) async throws {
        try await run(
            """
            SELECT setval('stint.tokens', $1 - \(Self.tokenBase)) FROM stint.tokens WHERE $1 - \(Self.tokenBase) >= last_value
            """, .int(token.rawValue))
    }

    // MARK: - Forwarded jobs

    func enqueueForwarded(_ jobs: [ForwardedJob], of move: MoveID) async throws {
        // Another process that forwards one of them at the same time waits here for the commit of the first.
        let rows = try await run(
            """
            INSERT INTO stint.forwarded (move_id, job_id) SELECT $1, id FROM unnest($2::bigint[]) AS f (id) ORDER BY id
            ON CONFLICT DO NOTHING RETURNING job_id
            """, .text(move.description), .ints(jobs.map(\.id.rawValue)))
        var new = Set(try rows.map { try $0.int(0) })
        let added = jobs.filter { new.remove($0.id.rawValue) != nil }.flatMap(\.jobs)
        if !added.isEmpty { _ = try await enqueue(added) }
    }

    func scheduleTicks() async throws -> [ScheduleTicks] {
        try await run("SELECT name, ticked_until, next_tick FROM stint.schedules WHERE next_tick IS NOT NULL").map {
            ScheduleTicks(name: try $0.text(0), until: try $0.int(1), next: try $0.int(2))
        }
    }

    func setScheduleTicks(_ ticks: [ScheduleTicks]) async throws {
        guard !ticks.isEmpty else { return }
        try await run(
            """
            UPDATE stint.schedules s SET ticked_until = t.until, next_tick = t.next
            FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS t (name, until, next)
            WHERE s.name = t.name AND s.next_tick IS NOT NULL
            """, .texts(ticks.map(\.name)), .ints(ticks.map(\.until)), .ints(ticks.map(\.next)))
    }
}
