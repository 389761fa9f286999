import StintCore

extension JobTransaction {
    /// Adds jobs, in their order. Those without a unique key that follow one another are written together.
    func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] {
        try await lockForEnqueue(jobs)
        var answers: [Enqueued] = []
        var plain: [(job: NewJob, place: JobPlace)] = []
        func flush() async throws {
            answers += try await insert(plain).map { Enqueued(id: JobID(rawValue: $0), outcome: .added) }
            plain = []
        }
        for job in jobs {
            let queue = try await queueID(job.queue)
            let keys = job.options.idempotencyKeys
            if !keys.isEmpty {
                try await flush()
                answers.append(
                    try await once(keys, in: queue) {
                        if let key = job.options.uniqueKey { return try await enqueue(job, key, in: queue) }
                        let id = try await insert([(job, try await place(of: job, in: queue))])[0]
                        return Enqueued(id: JobID(rawValue: id), outcome: .added)
                    })
            } else if let key = job.options.uniqueKey {
                try await flush()
                answers.append(try await enqueue(job, key, in: queue))
            } else {
                plain.append((job, try await place(of: job, in: queue)))
            }
        }
        try await flush()
        return answers
    }

    /// Takes the locks that the jobs need, in the order in which all transactions do: those of queues, then those of keys in
    /// an order of their own, then rows. Two that enqueue the same keys in different orders would stop each other.
    private func lockForEnqueue(_ jobs: [NewJob]) async throws {
        var (grouped, keys): (Set<Int64>, [String]) = ([], [])
        for job in jobs {
            let queue = try await queueID(job.queue)
            if job.options.group != nil { grouped.insert(queue) }
            for key in job.options.idempotencyKeys { keys.append("once \(queue) \(key)") }
            if let key = job.options.uniqueKey { keys.append("\(queue) \(key)") }
        }
        try await lock(grouped, exclusively: false)
        guard keys.count > 1 else { return }
        try await run(
            """
            SELECT pg_advisory_xact_lock(lock) FROM (
                SELECT DISTINCT hashtextextended(key, 0) AS lock FROM unnest($1::text[]) AS k (key) ORDER BY lock OFFSET 0) l
            """, .texts(keys))
    }

    func place(of job: NewJob, in queue: Int64) async throws -> JobPlace {
        var group: Int64?
        if let name = job.options.group { group = try await groupID(name, in: queue) }
        return JobPlace(
            queue: queue, priority: Int64(job.options.priority), group: group,
            expiresAt: job.options.expires.map { now.wall + $0.milliseconds })
    }

    /// Adds jobs that replace and join no others.
    ///
    /// - Parameter ids: Theirs, if they have them already.
    /// - Returns: Their ids, in order.
    private func insert(_ jobs: [(job: NewJob, place: JobPlace)], ids: [Int64]? = nil) async throws -> [Int64] {
        guard !jobs.isEmpty else { return [] }
        let options = jobs.map(\.job.options)
        let rows = try await run(
            """
            WITH n AS MATERIALIZED (
                SELECT coalesce(id, nextval('stint.job_ids')) AS id, u.*
                FROM unnest($2::bigint[], $3::integer[], $4::bigint[], $5::integer[], $6::integer[], $7::bigint[],
                            $8::boolean[], $9::text[], $10::text[], $11::bytea[])
                     AS u (known_id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, is_digest,
                           content_type, headers, payload)
                CROSS JOIN LATERAL (SELECT known_id AS id) i
            ), j AS (
                INSERT INTO stint.jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                        is_digest, content_type, headers, payload)
                SELECT id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, $1, is_digest, content_type,
                       headers, payload
                FROM n
            )
            SELECT id FROM n
            """,
            .int(now.wall), .ints(ids.map { $0 } ?? jobs.map { _ in nil }),
            .int32s(jobs.map { Int32(clamping: $0.place.queue) }), .ints(jobs.map(\.place.priority)),
            .int32s(options.map { Int32(clamping: $0.maxAttempts) }),
            .int32s(options.map { Int32(clamping: $0.maxCrashes) }), .ints(options.map { $0.timeToRun?.milliseconds }),
            .bools(options.map { $0.onConflict == .collect }),
            .texts(jobs.map(\.job.contentType)), .texts(options.map(\.headers.storedText)),
            .byteArrays(jobs.map(\.job.payload)))
        let ids = try rows.map { try $0.int(0) }
        try await makeWaiting(
            zip(ids, jobs).map { id, new in
                Waiting(id: id, place: new.place, delay: new.job.options.firstDelay.milliseconds, isNew: true)
            })
        for (_, place) in jobs { note(place.queue) { $0.enqueued += 1 } }
        return ids
    }

    // MARK: - Idempotency keys

    /// Does an enqueue, unless one with one of these keys was done in the last day.
    private func once(
        _ keys: [String], in queue: Int64, _ enqueue: () async throws -> Enqueued
    ) async throws -> Enqueued {
        for (index, key) in keys.enumerated() {
            guard let earlier = try await earlierJob(key, in: queue) else { continue }
            for key in keys[..<index] { try await remember(key, in: queue, earlier) }
            return Enqueued(id: earlier, outcome: .duplicate)
        }
        let answer = try await enqueue()
        for key in keys { try await remember(key, in: queue, answer.id) }
        return answer
    }

    /// What the latest enqueue with this key has added. `nil`: there was none in the last day; the key's row is written, and
    /// waits for ``remember(_:in:_:)``.
    private func earlierJob(_ key: String, in queue: Int64) async throws -> JobID? {
        // Others that enqueue with this key wait here for the commit of the one that was first. If it is known already, its
        // row is locked and stays.
        let rows = try await run([
            PostgresStatement(
                """
                INSERT INTO stint.idempotency_keys AS k (queue_id, key, job_id, enqueued_at) VALUES ($1, $2, 0, $3)
                ON CONFLICT (queue_id, key) DO UPDATE SET job_id = 0, enqueued_at = excluded.enqueued_at
                    WHERE k.enqueued_at <= $4
                """,
                [.int(queue), .text(key), .int(now.wall), .int(IdempotencyKeys.oldest(at: now.wall))]),
            PostgresStatement(
                "SELECT job_id FROM stint.idempotency_keys WHERE queue_id = $1 AND key = $2 AND job_id <> 0",
                [.int(queue), .text(key)]),
        ])
        return try rows[1].first.map { JobID(rawValue: try $0.int(0)) }
    }

    private func remember(_ key: String, in queue: Int64, _ job: JobID) async throws {
        _ = try await run([
            PostgresStatement(
                "UPDATE stint.idempotency_keys SET job_id = $3 WHERE queue_id = $1 AND key = $2",
                [.int(queue), .text(key), .int(job.rawValue)]),
            PostgresStatement(
                """
                DELETE FROM stint.idempotency_keys k USING (
                    SELECT queue_id, key FROM stint.idempotency_keys WHERE enqueued_at <= $1
                    ORDER BY enqueued_at LIMIT $2 FOR UPDATE SKIP LOCKED) old
                WHERE k.queue_id = old.queue_id AND k.key = old.key
                """,
                [.int(IdempotencyKeys.oldest(at: now.wall)), .int(Int64(IdempotencyKeys.removedAtOnce))]),
        ])
    }

    // MARK: - Unique keys

    /// How often a key is tried again that others take and free at the same time.
    private static let maximumTries = 20

    /// A job with a unique key: the row of the key is locked until the commit, whichever job has it.
    private func enqueue(_ job: NewJob, _ key: String, in queue: Int64) async throws -> Enqueued {
        for _ in 0..<Self.maximumTries {
            // Others that enqueue this key wait here for the commit of the one that was first.
            let id = try await run(
                """
                INSERT INTO stint.unique_keys (job_id, queue_id, key) VALUES (nextval('stint.job_ids'), $1, $2)
                ON CONFLICT (queue_id, key) DO NOTHING RETURNING job_id
                """, .int(queue), .text(key)
            ).first?.int(0)
            if let id {
                let place = try await place(of: job, in: queue)
                _ = try await insert([(job, place)], ids: [id])
                if job.options.onConflict == .collect { try await openDigest(id, job) }
                return Enqueued(id: JobID(rawValue: id), outcome: .added)
            }
            let holder = try await run(
                "SELECT job_id, was_claimed FROM stint.unique_keys WHERE queue_id = $1 AND key = $2 FOR UPDATE",
                .int(queue), .text(key)
            ).first.map { (id: try $0.int(0), wasClaimed: try $0.bool(1)) }
            guard let holder else { continue }
            if let answer = try await merge(job, into: holder.id, wasClaimed: holder.wasClaimed) { return answer }
            // The new job becomes the next one of the key.
            try await run("DELETE FROM stint.unique_keys WHERE job_id = $1", .int(holder.id))
        }
        throw StintError(
            .databaseBusy,
            "the unique key \(quoted(key)) was taken and freed by others \(Self.maximumTries) times in a row; nothing was "
                + "changed: try again")
    }
}
