import StintCore

/// What an enqueue does with the job that has its unique key; see ``ConflictPolicy``. The row of the key is locked.
extension JobTransaction {
    /// - Returns: `nil` if the new job becomes the next one of the key.
    func merge(_ job: NewJob, into holder: Int64, wasClaimed: Bool) async throws -> Enqueued? {
        let located = try await locate([holder])[holder]
        // One that waits although its time is over never runs.
        if let located, located.state.isWaiting, let expiry = located.place.expiresAt, expiry <= now.wall { return nil }
        let id = JobID(rawValue: holder)
        switch job.options.onConflict {
        case .keep: return Enqueued(id: id, outcome: .duplicate)
        case .replace:
            guard !wasClaimed, try await replace(holder, by: job) else { return nil }
            return Enqueued(id: id, outcome: .replaced)
        case .collect:
            guard !wasClaimed, try await collect(job, into: holder) else { return nil }
            return Enqueued(id: id, outcome: .collected)
        }
    }

    // MARK: - Replace

    /// Writes the row of a job that no claim has seen, so that no holder can be reading it.
    private func replace(_ holder: Int64, by job: NewJob) async throws -> Bool {
        let isDigest = try await run("SELECT is_digest FROM stint.jobs WHERE id = $1", .int(holder)).first?.bool(0)
        guard isDigest == false else { return false }
        // A claim may take it at the same time.
        guard let taken = try await take([holder], where: \.state.isWaiting).taken[holder] else { return false }
        let options = job.options
        try await run(
            """
            UPDATE stint.jobs SET priority = $2, max_attempts = $3, max_crashes = $4, time_to_run_ms = $5, enqueued_at = $6,
                                  content_type = $7, headers = $8, payload = $9
            WHERE id = $1
            """,
            .int(holder), .int(Int64(options.priority)), .int(Int64(options.maxAttempts)),
            .int(Int64(options.maxCrashes)), .int(options.timeToRun?.milliseconds), .int(now.wall),
            .text(job.contentType), .text(options.headers.storedText), .bytes(job.payload))
        let place = try await place(of: job, in: taken.place.queue)
        try await makeWaiting([Waiting(id: holder, place: place, delay: options.delay.milliseconds)])
        return true
    }

    // MARK: - Collect

    func openDigest(_ id: Int64, _ first: NewJob) async throws { try await open(OpenDigest(first, at: now.wall), id) }

    func open(_ digest: OpenDigest, _ id: Int64) async throws {
        try await run(
            "INSERT INTO stint.digests (job_id, opened_at, start_limit, events, bytes) VALUES ($1, $2, $3, $4, $5)",
            .int(id), .int(digest.openedAt), .int(digest.startLimit), .int(Int64(digest.events)),
            .int(Int64(digest.bytes)))
    }

    /// Adds an event. The row of the job's state is locked, so that no claim takes the digest before its last event is
    /// committed.
    private func collect(_ event: NewJob, into holder: Int64) async throws -> Bool {
        guard var digest = try await openDigest(holder), digest.admits(event) else { return false }
        let start = try await run("SELECT run_at FROM stint.delayed WHERE job_id = $1 FOR UPDATE", .int(holder))
            .first?.int(0)
        if start == nil {
            let ready = try await run(
                ["IS NULL", "IS NOT NULL"].map { isGrouped in
                    PostgresStatement(
                        """
                        SELECT 1 FROM stint.ready r JOIN stint.jobs j
                            ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id
                        WHERE j.id = $1 AND r.group_id \(isGrouped) FOR UPDATE OF r
                        """, [.int(holder)])
                })
            guard ready.contains(where: { !$0.isEmpty }) else { return false }
        }
        digest.take(event)
        _ = try await run([
            PostgresStatement(
                "INSERT INTO stint.events (job_id, payload) VALUES ($1, $2)", [.int(holder), .bytes(event.payload)]),
            PostgresStatement(
                "UPDATE stint.digests SET events = $2, bytes = $3, start_limit = $4 WHERE job_id = $1",
                [.int(holder), .int(Int64(digest.events)), .int(Int64(digest.bytes)), .int(digest.startLimit)]),
        ])
        if let start, let next = digest.start(after: event, insteadOf: start, now.wall), next != start {
            let queue = try await run(
                "UPDATE stint.delayed SET run_at = $2 WHERE job_id = $1 RETURNING queue_id", .int(holder), .int(next)
            ).first?.int(0)
            // A worker that sleeps until the old start is early if the new one is later, and must wake if it is earlier.
            if next < start, let queue { change.wakes.insert(queue) }
        }
        return true
    }

    private func openDigest(_ id: Int64) async throws -> OpenDigest? {
        try await run(
            """
            SELECT d.opened_at, d.start_limit, d.events, d.bytes, j.content_type, j.headers
            FROM stint.digests d JOIN stint.jobs j ON j.id = d.job_id WHERE d.job_id = $1
            """, .int(id)
        ).first.map { row in
            OpenDigest(
                openedAt: try row.int(0), startLimit: try row.optionalInt(1), events: Int(try row.int(2)),
                bytes: Int(try row.int(3)), contentType: try row.text(4),
                jobName: Headers(readable: try row.optionalText(5))[Headers.jobName])
        }
    }
}
