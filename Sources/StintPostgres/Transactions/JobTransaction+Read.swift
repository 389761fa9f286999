import StintCore

extension JobTransaction {
    /// The counts of all queues, by name.
    func stats(of name: QueueName? = nil) async throws -> [QueueStats] {
        let condition = name == nil ? "$1::text IS NULL" : "q.name = $1"
        return try await run(
            """
            SELECT q.name, \(["ready", "delayed", "leased", "buried", "done", "cancelled", "expired"].map {
                "coalesce(t.\($0), 0)" }.joined(separator: ", ")), q.paused, q.pause_reason, \(QueueLimits.columns)
            FROM stint.queues q LEFT JOIN (
                SELECT queue_id, sum(ready)::bigint AS ready, sum(delayed)::bigint AS delayed,
                       sum(leased)::bigint AS leased, sum(buried)::bigint AS buried, sum(done)::bigint AS done,
                       sum(cancelled)::bigint AS cancelled, sum(expired)::bigint AS expired
                FROM stint.tallies GROUP BY queue_id
            ) t ON t.queue_id = q.id
            WHERE \(condition) ORDER BY q.name
            """, .text(name?.description)
        ).map { row in
            let isPaused = try row.bool(8)
            return QueueStats(
                name: QueueName(stored: try row.text(0)), ready: Int(try row.int(1)), delayed: Int(try row.int(2)),
                leased: Int(try row.int(3)), buried: Int(try row.int(4)), done: Int(try row.int(5)),
                cancelled: Int(try row.int(6)), expired: Int(try row.int(7)), paused: isPaused,
                pauseReason: isPaused ? try row.optionalText(9) : nil, limits: try QueueLimits(stored: row, from: 10))
        }
    }

    func job(_ id: JobID) async throws -> JobDetails? {
        let results = try await run([
            PostgresStatement(Self.record, [.int(id.rawValue)]),
            PostgresStatement("SELECT payload FROM stint.jobs WHERE id = $1", [.int(id.rawValue)]),
            PostgresStatement(Self.events, [.int(id.rawValue)]),
            PostgresStatement(
                "SELECT \(Self.failure) FROM stint.failures WHERE job_id = $1 ORDER BY id", [.int(id.rawValue)]),
        ])
        guard let found = results[0].first else { return nil }
        let record = try Self.record(found)
        // Each statement sees what was committed before it: the job may be gone by now.
        guard let payload = try results[1].first?.bytes(0) else { return nil }
        let events = record.events == nil ? nil : [payload] + (try results[2].map { try $0.bytes(0) })
        return JobDetails(
            record: record, payload: payload, events: events, failures: try results[3].map { try Self.failure($0) })
    }

    static let record = """
        SELECT id, queue, state, priority, attempts, max_attempts, crashes, max_crashes, suspect, content_type, headers,
               payload_bytes, time_to_run_ms, unique_key, enqueued_at, run_at, worker, token, lease_expires_at,
               buried_at, reason, done_at, "group", expires_at, cancelled_at, expired_at, events
        FROM stint.job WHERE id = $1
        """

    /// Reads a row with the columns of ``record``.
    static func record(_ row: PostgresRow) throws -> JobRecord {
        var record = JobRecord(
            id: JobID(rawValue: try row.int(0)), queue: QueueName(stored: try row.text(1)),
            state: JobState(rawValue: try row.text(2)) ?? .ready, priority: UInt32(clamping: try row.int(3)),
            attempts: Int(try row.int(4)), maxAttempts: Int(try row.int(5)), crashes: Int(try row.int(6)),
            maxCrashes: Int(try row.int(7)), suspect: try row.bool(8), contentType: try row.text(9),
            headers: Headers(readable: try row.optionalText(10)), payloadBytes: Int(try row.int(11)),
            timeToRunMilliseconds: try row.optionalInt(12), uniqueKey: try row.optionalText(13),
            enqueuedAt: try row.int(14))
        record.runAtMilliseconds = try row.optionalInt(15)
        record.worker = try row.optionalText(16)
        record.token = try row.optionalInt(17).map(FencingToken.init(rawValue:))
        record.leaseExpiresAtMilliseconds = try row.optionalInt(18)
        record.buriedAtMilliseconds = try row.optionalInt(19)
        record.reason = try row.optionalText(20)
        record.doneAtMilliseconds = try row.optionalInt(21)
        record.group = try row.optionalText(22)
        record.expiresAtMilliseconds = try row.optionalInt(23)
        record.cancelledAtMilliseconds = try row.optionalInt(24)
        record.expiredAtMilliseconds = try row.optionalInt(25)
        record.events = try row.optionalInt(26).map { Int($0) }
        return record
    }

    // MARK: - Attempts that did not succeed

    static let failure = """
        attempt, at, kind, error, worker, exit_code, signal, peak_memory_bytes, run_time_ms, standard_error
        """

    static func failure(_ row: PostgresRow) throws -> JobFailure {
        let diagnostics = AttemptDiagnostics(
            exitCode: try row.optionalInt(5).map { Int32(clamping: $0) }, signal: try row.optionalText(6),
            peakMemoryBytes: try row.optionalInt(7), runTimeMilliseconds: try row.optionalInt(8),
            standardError: try row.optionalText(9))
        return JobFailure(
            attempt: Int(try row.int(0)), at: try row.int(1),
            kind: JobFailure.Kind(rawValue: try row.text(2)) ?? .failed,
            error: try row.text(3), worker: try row.optionalText(4),
            diagnostics: diagnostics == AttemptDiagnostics() ? nil : diagnostics)
    }

    /// The latest failures of all jobs.
    func failures(limit: Int) async throws -> [FailedJob] {
        try await failures(
            "NOT EXISTS (SELECT 1 FROM stint.deleted d WHERE d.job_id = f.job_id)", limit)
    }

    /// The same of attempts whose process died or fell silent.
    func deaths(limit: Int) async throws -> [FailedJob] {
        try await failures("f.kind IN ('crashed', 'lost', 'expired')", limit)
    }

    private func failures(_ condition: String, _ limit: Int) async throws -> [FailedJob] {
        guard limit >= 0 else { throw StintError.invalidInput("the limit is \(limit); it must be 0 or more") }
        return try await run(
            """
            SELECT \(Self.failure), f.job_id, q.name
            FROM stint.failures f JOIN stint.jobs j ON j.id = f.job_id JOIN stint.queues q ON q.id = j.queue_id
            WHERE \(condition) ORDER BY f.id DESC LIMIT $1::bigint
            """, .int(Int64(limit))
        ).map { row in
            FailedJob(
                job: JobID(rawValue: try row.int(10)), queue: QueueName(stored: try row.text(11)),
                failure: try Self.failure(row))
        }
    }
}
