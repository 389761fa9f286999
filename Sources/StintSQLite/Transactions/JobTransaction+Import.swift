import StintCore

/// Jobs that come from another store, with their ids. What has become of a job there counts here as of now: an import of a
/// buried job is a burial.
extension JobTransaction {
    func importJobs(_ jobs: [StoredJob]) throws -> ImportedJobs {
        var answer = ImportedJobs()
        for job in jobs {
            let queue = try queueID(job.record.queue)
            if try isPresent(job, in: queue) {
                answer.present += 1
            } else {
                try add(job.released(at: now.wall), to: queue)
                answer.added += 1
            }
        }
        return answer
    }

    /// Whether the job itself is here, by its id.
    ///
    /// - Throws: `invalidInput` if another job has the id.
    private func isPresent(_ job: StoredJob, in queue: Int64) throws -> Bool {
        let select = try statement(
            "SELECT queue_id = ?2 AND enqueued_at = ?3 AND payload = ?4 FROM stint_jobs WHERE id = ?1")
        select.bind(1, job.id.rawValue)
        select.bind(2, queue)
        select.bind(3, job.record.enqueuedAtMilliseconds)
        let isSame = try job.payload.withUnsafeBytes { bytes in
            select.bind(4, uncopied: bytes)
            return try select.first { $0.int(0) != 0 }
        }
        if isSame == false { throw StintError.idTaken(job.id) }
        return isSame == true
    }

    private func add(_ job: StoredJob, to queue: Int64) throws {
        let (record, id) = (job.record, job.id.rawValue)
        try insert(job, in: queue)
        for failure in job.failures { try insert(failure, of: id) }
        let place = JobPlace(
            queue: queue, priority: Int64(record.priority), group: try record.group.map { try groupID($0, in: queue) },
            expiresAt: record.expiresAtMilliseconds)
        let reason = record.reason?.replacing("\0", with: "\u{FFFD}")
        let errorGroup =
            record.state == .buried ? Self.errorGroup(reason ?? "", job.failures.last?.error) : nil
        let returning = Returning(
            job: Located(
                id: id, place: place, state: record.state, attempts: Int64(record.attempts),
                crashes: Int64(record.crashes), suspect: record.suspect, token: nil),
            at: job.stateTime ?? 0, reason: reason, holdsGroup: job.holdsGroup, key: record.uniqueKey,
            wasClaimed: job.wasClaimed, errorGroup: errorGroup, burial: job.burial,
            readySince: job.readyAt.map(ReadySince.time) ?? .enqueue)
        if let holder = try putBack(returning) {
            throw StintError.keyTaken(job.id, record.uniqueKey ?? "", by: holder)
        }
        count(
            queue, done: record.state == .done ? 1 : 0, cancelled: record.state == .cancelled ? 1 : 0,
            expired: record.state == .expired ? 1 : 0)
        note(queue) { $0.enqueued += 1 }
        try noteSearch(id, in: queue)
    }

    /// Its row, and its events if it is a digest.
    private func insert(_ job: StoredJob, in queue: Int64) throws {
        let (record, id) = (job.record, job.id.rawValue)
        let insert = try statement(
            """
            INSERT INTO stint_jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at,
                                    content_type, headers, is_digest, payload)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """)
        insert.bind(1, id)
        insert.bind(2, queue)
        insert.bind(3, Int64(record.priority))
        insert.bind(4, Int64(record.maxAttempts))
        insert.bind(5, Int64(record.maxCrashes))
        insert.bind(6, record.timeToRunMilliseconds)
        insert.bind(7, record.enqueuedAtMilliseconds)
        insert.bind(8, record.contentType)
        insert.bind(9, record.headers.storedText)
        insert.bind(10, job.events == nil ? 0 : 1)
        try job.payload.withUnsafeBytes { bytes in
            insert.bind(11, uncopied: bytes)
            try insert.execute()
        }
        guard let events = job.events else { return }
        try open(
            OpenDigest(
                openedAt: job.openedAt ?? record.enqueuedAtMilliseconds, startLimit: job.startLimit,
                events: events.count, bytes: job.body.byteCount, contentType: record.contentType,
                jobName: record.headers[Headers.jobName]), id)
        for event in events.dropFirst() { try insertEvent(event, of: id) }
    }
}
