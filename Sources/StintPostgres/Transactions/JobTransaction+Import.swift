import StintCore

/// Jobs that come from another store, with their ids. What has become of a job there counts here as of now: an import of a
/// buried job is a burial.
extension JobTransaction {
    func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs {
        guard !jobs.isEmpty else { return ImportedJobs() }
        try await refuseWhileMoved()
        // One import at a time, since each moves the sequences on.
        try await run("SELECT pg_advisory_xact_lock(\(Self.lockClass), -1)")
        var (queues, grouped): ([QueueName: Int64], Set<Int64>) = ([:], [])
        for job in jobs {
            let name = job.record.queue
            if queues[name] == nil { queues[name] = try await queueID(name) }
            if job.record.group != nil { grouped.insert(queues[name]!) }
        }
        // Before any rows: a claim by turns has the lock, and takes rows then.
        try await lock(grouped, exclusively: false)
        // Before the jobs are there, so that no enqueue gets one of their ids.
        try await advance("stint.job_ids", past: jobs.map(\.id.rawValue).max() ?? 0)
        let all = jobs.map { (job: $0, queue: queues[$0.record.queue]!) }
        let new = try await insert(all)
        let added = all.filter { new.contains($0.job.id.rawValue) }
        try await requireSame(all.filter { !new.contains($0.job.id.rawValue) })
        try await addToHistory(added.map(\.job))
        try await hold(added)
        try await putIntoStates(added)
        return ImportedJobs(added: added.count, present: all.count - added.count)
    }

    private typealias Arriving = (job: StoredJob, queue: Int64)

    // MARK: - Ids

    /// What is stepped through, so that no other call can set the sequence back in between: this takes some tenths of a
    /// second. Beyond it the sequence is set, which others would have to do as many steps for in the same moment.
    private static let longestSteps: Int64 = 1_000_000

    /// Lets a sequence go on after a number. That stays so if the transaction is undone.
    private func advance(_ sequence: String, past number: Int64) async throws {
        let next = try await run("SELECT nextval($1::regclass)", .text(sequence)).first?.int(0) ?? 0
        guard next < number else { return }
        if number - next <= Self.longestSteps {
            try await run(
                "SELECT max(nextval($1::regclass)) FROM generate_series(1, $2::bigint)", .text(sequence),
                .int(number - next))
        } else {
            try await run("SELECT setval($1::regclass, $2::bigint)", .text(sequence), .int(number))
        }
    }

    /// Adds those whose ids are free.
    ///
    /// - Returns: Their ids.
    private func insert(_ jobs: [Arriving]) async throws -> Set<Int64> {
        let records = jobs.map(\.job.record)
        let rows = try await run(
            """
            INSERT INTO stint.jobs (id, queue_id, priority, max_attempts, max_crashes, time_to_run_ms, enqueued_at, is_digest,
                                    content_type, headers, payload)
            SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::integer[], $5::integer[], $6::bigint[],
                                 $7::bigint[], $8::boolean[], $9::text[], $10::text[], $11::bytea[])
            ON CONFLICT (id) DO NOTHING RETURNING id
            """,
            .ints(records.map(\.id.rawValue)), .int32s(jobs.map { Int32(clamping: $0.queue) }),
            .ints(records.map { Int64($0.priority) }), .int32s(records.map { Int32(clamping: $0.maxAttempts) }),
            .int32s(records.map { Int32(clamping: $0.maxCrashes) }), .ints(records.map(\.timeToRunMilliseconds)),
            .ints(records.map(\.enqueuedAtMilliseconds)), .bools(jobs.map { $0.job.events != nil }),
            .texts(records.map(\.contentType)), .texts(records.map(\.headers.storedText)),
            .byteArrays(jobs.map(\.job.payload)))
        return Set(try rows.map { try $0.int(0) })
    }

    /// - Throws: `invalidInput` if one of the ids is that of another job.
    private func requireSame(_ jobs: [Arriving]) async throws {
        guard !jobs.isEmpty else { return }
        let rows = try await run(
            """
            SELECT t.id FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bytea[]) AS t (id, queue_id, at, payload)
            JOIN stint.jobs j ON j.id = t.id
            WHERE j.queue_id = t.queue_id AND j.enqueued_at = t.at AND j.payload = t.payload
            """,
            .ints(jobs.map(\.job.id.rawValue)), .int32s(jobs.map { Int32(clamping: $0.queue) }),
            .ints(jobs.map(\.job.record.enqueuedAtMilliseconds)), .byteArrays(jobs.map(\.job.payload)))
        let same = Set(try rows.map { try $0.int(0) })
        if let other = jobs.first(where: { !same.contains($0.job.id.rawValue) }) {
            throw StintError.idTaken(other.job.id)
        }
    }

    // MARK: - What belongs to a job

    private func addToHistory(_ jobs: [StoredJob]) async throws {
        for job in jobs {
            guard let events = job.events else { continue }
            let (record, id) = (job.record, job.id.rawValue)
            try await open(
                OpenDigest(
                    openedAt: job.openedAt ?? record.enqueuedAtMilliseconds, startLimit: job.startLimit,
                    events: events.count, bytes: job.body.byteCount, contentType: record.contentType,
                    jobName: record.headers[Headers.jobName]), id)
            try await run(
                "INSERT INTO stint.events (job_id, payload) SELECT $1, * FROM unnest($2::bytea[])", .int(id),
                .byteArrays(Array(events.dropFirst())))
        }
        let failures = jobs.flatMap { job in job.failures.map { (job: job.id.rawValue, failure: $0) } }
        if !failures.isEmpty { _ = try await run([Self.insert(failures)]) }
    }

    /// Gives them their unique keys.
    private func hold(_ jobs: [Arriving]) async throws {
        let holders = jobs.filter { $0.job.record.uniqueKey != nil && !$0.job.record.state.isOver }
        let refused = try await hold(
            holders.map { arriving in
                let job = arriving.job.released(at: now.wall)
                return (job.id.rawValue, job.record.uniqueKey!, job.wasClaimed)
            }, in: holders.map(\.queue))
        guard let (job, queue) = holders.first(where: { refused.contains($0.job.id.rawValue) }) else { return }
        let key = job.record.uniqueKey!
        let holder = try await run(
            "SELECT job_id FROM stint.unique_keys WHERE queue_id = $1 AND key = $2", .int(queue), .text(key)
        ).first?.int(0)
        throw StintError.keyTaken(job.id, key, by: JobID(rawValue: holder ?? 0))
    }

    // MARK: - States

    private func putIntoStates(_ jobs: [Arriving]) async throws {
        var (waiting, others): ([Waiting], [Located]) = ([], [])
        for (job, queue) in jobs {
            let job = job.released(at: now.wall)
            let (record, id) = (job.record, job.id.rawValue)
            var place = JobPlace(
                queue: queue, priority: Int64(record.priority), expiresAt: record.expiresAtMilliseconds)
            if let name = record.group { place.group = try await groupID(name, in: queue) }
            note(queue) { $0.enqueued += 1 }
            count(
                queue, done: record.state == .done ? 1 : 0, cancelled: record.state == .cancelled ? 1 : 0,
                expired: record.state == .expired ? 1 : 0)
            if record.state == .ready {
                waiting.append(
                    Waiting(
                        id: id, place: place, isNew: job.readyAt == nil, readyAt: job.readyAt,
                        attempts: Int64(record.attempts), crashes: Int64(record.crashes), suspect: record.suspect))
                continue
            }
            var located = Located(
                id: id, place: place, state: record.state, attempts: Int64(record.attempts),
                crashes: Int64(record.crashes), suspect: record.suspect, token: nil)
            located.at = job.stateTime
            located.reason = record.reason?.storable
            located.holdsGroup = job.holdsGroup && place.group != nil
            if record.state == .buried {
                let latest = job.failures.last?.error.storable
                located.errorGroup = ErrorFingerprint(burial: located.reason ?? "", latestError: latest).id.rawValue
                located.burial = job.burial
            }
            others.append(located)
        }
        try await makeWaiting(waiting)
        if let last = others.compactMap(\.burial).max() { try await advance("stint.buried_burial_seq", past: last) }
        try await putBack(others)
    }
}
