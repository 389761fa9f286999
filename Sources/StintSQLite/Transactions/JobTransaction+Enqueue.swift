import StintCore

extension JobTransaction {
    func enqueue(_ jobs: [NewJob]) throws -> [Enqueued] {
        guard !jobs.isEmpty else { return [] }
        let insertJob = try statement(HotSQL.insertJob)
        return try jobs.map { job in
            let queue = try queueID(job.queue)
            let keys = job.options.idempotencyKeys
            for (index, key) in keys.enumerated() {
                guard let earlier = try earlierJob(key, in: queue) else { continue }
                for key in keys[..<index] { try remember(key, in: queue, earlier) }
                return Enqueued(id: earlier, outcome: .duplicate)
            }
            let answer = try enqueue(job, in: queue, insertJob)
            for key in keys { try remember(key, in: queue, answer.id) }
            return answer
        }
    }

    private func enqueue(_ job: NewJob, in queue: Int64, _ insertJob: Statement) throws -> Enqueued {
        if let key = job.options.uniqueKey, let holder = try holder(of: key, in: queue),
            let answer = try merge(job, into: holder, in: queue)
        {
            return answer
        }
        let isDigest = job.options.onConflict == .collect
        let id = try insert(job, in: queue, isDigest ? try statement(HotSQL.insertDigestJob) : insertJob)
        if isDigest { try openDigest(id, job) }
        try makeWaiting(id, try place(of: job, in: queue), after: job.options.firstDelay, since: .enqueue)
        note(queue) { $0.enqueued += 1 }
        if let key = job.options.uniqueKey { try hold(key, in: queue, by: JobID(rawValue: id)) }
        return Enqueued(id: JobID(rawValue: id), outcome: .added)
    }

    // MARK: - Idempotency keys

    static let earlierJob =
        "SELECT job_id FROM stint_idempotency_keys WHERE queue_id = ?1 AND key = ?2 AND enqueued_at > ?3"
    static let removeOldKeys = """
        DELETE FROM stint_idempotency_keys WHERE (queue_id, key) IN (
            SELECT queue_id, key FROM stint_idempotency_keys WHERE enqueued_at <= ?1 ORDER BY enqueued_at LIMIT ?2)
        """

    /// What the latest enqueue with this key has added; `nil`: there was none in the last day.
    private func earlierJob(_ key: String, in queue: Int64) throws -> JobID? {
        let select = try statement(Self.earlierJob)
        select.bind(1, queue)
        select.bind(2, key)
        select.bind(3, IdempotencyKeys.oldest(at: now.wall))
        return try select.first { JobID(rawValue: $0.int(0)) }
    }

    private func remember(_ key: String, in queue: Int64, _ job: JobID) throws {
        try statement(Self.removeOldKeys).execute(
            IdempotencyKeys.oldest(at: now.wall), Int64(IdempotencyKeys.removedAtOnce))
        let insert = try statement(
            """
            INSERT OR REPLACE INTO stint_idempotency_keys (queue_id, key, job_id, enqueued_at) VALUES (?1, ?2, ?3, ?4)
            """)
        insert.bind(1, queue)
        insert.bind(2, key)
        insert.bind(3, job.rawValue)
        insert.bind(4, now.wall)
        try insert.execute()
    }

    // MARK: - Parts

    private func insert(_ job: NewJob, in queue: Int64, _ insert: Statement) throws -> Int64 {
        insert.bind(1, queue)
        return try bind(job, insert) { try insert.insertedID() }
    }

    /// Binds the columns of `stint_jobs` from the second on, and runs the statement while their bytes are valid.
    func bind<Value>(_ job: NewJob, _ statement: Statement, run: () throws -> Value) throws -> Value {
        statement.bind(2, Int64(job.options.priority))
        statement.bind(3, Int64(job.options.maxAttempts))
        statement.bind(4, Int64(job.options.maxCrashes))
        statement.bind(5, job.options.timeToRun?.milliseconds)
        statement.bind(6, now.wall)
        statement.bind(8, job.options.headers.storedText)
        var contentType = job.contentType
        return try contentType.withUTF8 { text in
            statement.bind(7, uncopied: text)
            return try job.payload.withUnsafeBytes { bytes in
                statement.bind(9, uncopied: bytes)
                return try run()
            }
        }
    }

    func place(of job: NewJob, in queue: Int64) throws -> JobPlace {
        JobPlace(
            queue: queue, priority: Int64(job.options.priority),
            group: try job.options.group.map { try groupID($0, in: queue) },
            expiresAt: job.options.expires.map { now.wall + $0.milliseconds })
    }

    func holder(of key: String, in queue: Int64) throws -> JobID? {
        let select = try statement(HotSQL.uniqueKeyHolder)
        select.bind(1, queue)
        select.bind(2, key)
        select.bind(3, now.wall)
        return try select.first { JobID(rawValue: $0.int(0)) }
    }

    func hold(_ key: String, in queue: Int64, by id: JobID, wasClaimed: Bool = false) throws {
        let insert = try statement(
            "INSERT OR REPLACE INTO stint_unique_keys (job_id, queue_id, key, was_claimed) VALUES (?1, ?2, ?3, ?4)")
        insert.bind(1, id.rawValue)
        insert.bind(2, queue)
        insert.bind(3, key)
        insert.bind(4, wasClaimed ? 1 : 0)
        try insert.execute()
    }
}
