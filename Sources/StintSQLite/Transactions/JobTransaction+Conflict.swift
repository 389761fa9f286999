import StintCore

/// What an enqueue does with the job that has its unique key; see ``ConflictPolicy``.
extension JobTransaction {
    /// - Returns: `nil` if the new job becomes the next one of the key.
    func merge(_ job: NewJob, into holder: JobID, in queue: Int64) throws -> Enqueued? {
        switch job.options.onConflict {
        case .keep: Enqueued(id: holder, outcome: .duplicate)
        case .replace: try replace(holder, by: job, in: queue) ? Enqueued(id: holder, outcome: .replaced) : nil
        case .collect: try collect(job, into: holder) ? Enqueued(id: holder, outcome: .collected) : nil
        }
    }

    // MARK: - Replace

    /// Writes the row of a job that no claim has seen, so that no holder can be reading it.
    private func replace(_ holder: JobID, by job: NewJob, in queue: Int64) throws -> Bool {
        guard try statement(HotSQL.replaceable).first(holder.rawValue, read: { _ in true }) == true else {
            return false
        }
        try leave(try locate(holder))
        let update = try statement(
            """
            UPDATE stint_jobs SET priority = ?2, max_attempts = ?3, max_crashes = ?4, time_to_run_ms = ?5,
                                  enqueued_at = ?6, content_type = ?7, headers = ?8, payload = ?9
            WHERE id = ?1
            """)
        update.bind(1, holder.rawValue)
        try bind(job, update) { try update.execute() }
        try makeWaiting(holder.rawValue, try place(of: job, in: queue), after: job.options.delay)
        try noteSearch(holder.rawValue, in: queue)
        return true
    }

    // MARK: - Collect

    func openDigest(_ id: Int64, _ first: NewJob) throws {
        try open(OpenDigest(first, at: now.wall), id)
    }

    func open(_ digest: OpenDigest, _ id: Int64) throws {
        let insert = try statement(
            "INSERT OR REPLACE INTO stint_digests (job_id, opened_at, start_limit, events, bytes) VALUES (?1, ?2, ?3, ?4, ?5)"
        )
        insert.bind(1, id)
        insert.bind(2, digest.openedAt)
        insert.bind(3, digest.startLimit)
        insert.bind(4, Int64(digest.events))
        insert.bind(5, Int64(digest.bytes))
        try insert.execute()
    }

    func insertEvent(_ payload: [UInt8], of id: Int64) throws {
        let insert = try statement(HotSQL.insertEvent)
        insert.bind(1, id)
        try payload.withUnsafeBytes { bytes in
            insert.bind(2, uncopied: bytes)
            try insert.execute()
        }
    }

    private func collect(_ event: NewJob, into holder: JobID) throws -> Bool {
        let id = holder.rawValue
        guard var digest = try statement(HotSQL.openDigest).first(id, read: OpenDigest.init), digest.admits(event)
        else {
            return false
        }
        digest.take(event)
        try insertEvent(event.payload, of: id)
        let update = try statement(HotSQL.updateDigest)
        update.bind(1, id)
        update.bind(2, Int64(digest.events))
        update.bind(3, Int64(digest.bytes))
        update.bind(4, digest.startLimit)
        try update.execute()
        try moveStart(of: id, digest, after: event)
        return true
    }

    private func moveStart(of id: Int64, _ digest: OpenDigest, after event: NewJob) throws {
        let select = try statement("SELECT run_at FROM stint_delayed WHERE job_id = ?1")
        guard let start = try select.first(id, read: { $0.int(0) }),
            let next = digest.start(after: event, insteadOf: start, now.wall), next != start
        else { return }
        try statement("UPDATE stint_delayed SET run_at = ?2 WHERE job_id = ?1").execute(id, next)
        // A worker that sleeps until the old start is early if the new one is later, and must wake if it is earlier.
        if next < start { wakesWorkers = true }
    }
}

extension OpenDigest {
    /// Reads a row of `HotSQL.openDigest`. Another program may have written absurd numbers, and sums must not overflow.
    fileprivate init(_ row: Statement.Row) {
        func sane(_ number: Int64) -> Int64 { min(max(0, number), 1 << 52) }
        self.init(
            openedAt: sane(row.int(0)), startLimit: row.optionalInt(1).map(sane), events: Int(sane(row.int(2))),
            bytes: Int(sane(row.int(3))), contentType: row.text(4),
            jobName: Headers(readable: row.optionalText(5))[Headers.jobName])
    }
}
