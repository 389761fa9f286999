import StintCore

extension JobTransaction {
    func stats() throws -> [QueueStats] {
        try statement(
            """
            SELECT name, ready, delayed, leased, buried, done, paused, cancelled, expired, pause_reason, \(QueueLimits.columns)
            FROM stint_queues ORDER BY name
            """
        )
        .rows { row in
            QueueStats(
                name: QueueName(stored: row.text(0)), ready: Int(row.int(1)), delayed: Int(row.int(2)),
                leased: Int(row.int(3)), buried: Int(row.int(4)), done: Int(row.int(5)), cancelled: Int(row.int(7)),
                expired: Int(row.int(8)), paused: row.int(6) != 0,
                pauseReason: row.int(6) != 0 ? row.optionalText(9) : nil, limits: QueueLimits(stored: row, from: 10))
        }
    }

    func job(_ id: JobID) throws -> JobDetails? {
        guard let record = try record(id.rawValue) else { return nil }
        let payload = try statement("SELECT payload FROM stint_jobs WHERE id = ?1").first(id.rawValue) { $0.bytes(0) }
        let events = record.events == nil ? nil : try statement(HotSQL.events).rows(id.rawValue) { $0.bytes(0) }
        let failures = try statement(
            "SELECT \(Self.failure) FROM stint_failures WHERE job_id = ?1 ORDER BY id"
        ).rows(id.rawValue, read: Self.failure)
        return JobDetails(
            record: record, payload: payload ?? [], events: events.map { [payload ?? []] + $0 }, failures: failures)
    }

    private static let failure = """
        attempt, at, kind, error, worker, exit_code, signal, peak_memory_bytes, run_time_ms, standard_error
        """

    private static func failure(_ row: Statement.Row) -> JobFailure {
        let diagnostics = AttemptDiagnostics(
            exitCode: row.optionalInt(5).map { Int32(clamping: $0) }, signal: row.optionalText(6),
            peakMemoryBytes: row.optionalInt(7), runTimeMilliseconds: row.optionalInt(8),
            standardError: row.optionalText(9))
        return JobFailure(
            attempt: Int(row.int(0)), at: row.int(1), kind: JobFailure.Kind(rawValue: row.text(2)) ?? .failed,
            error: row.text(3), worker: row.optionalText(4),
            diagnostics: diagnostics == AttemptDiagnostics() ? nil : diagnostics)
    }

    static let latestFailures = """
        SELECT \(failure), f.job_id, q.name
        FROM stint_failures f JOIN stint_jobs j ON j.id = f.job_id JOIN stint_queues q ON q.id = j.queue_id
        WHERE NOT EXISTS (SELECT 1 FROM stint_deleted WHERE job_id = f.job_id)
        ORDER BY f.id DESC LIMIT ?1
        """

    static let latestDeaths = """
        SELECT \(failure), f.job_id, q.name
        FROM stint_failures f JOIN stint_jobs j ON j.id = f.job_id JOIN stint_queues q ON q.id = j.queue_id
        WHERE f.kind IN ('crashed', 'lost', 'expired') ORDER BY f.id DESC LIMIT ?1
        """

    /// The latest failures of all jobs.
    func failures(limit: Int) throws -> [FailedJob] { try failures(Self.latestFailures, limit) }

    /// The same of attempts whose process died or fell silent.
    func deaths(limit: Int) throws -> [FailedJob] { try failures(Self.latestDeaths, limit) }

    private func failures(_ sql: String, _ limit: Int) throws -> [FailedJob] {
        // SQLite takes a negative limit for none.
        guard limit >= 0 else { throw StintError.invalidInput("the limit is \(limit); it must be 0 or more") }
        return try statement(sql).rows(Int64(limit)) { row in
            FailedJob(
                job: JobID(rawValue: row.int(10)), queue: QueueName(stored: row.text(11)), failure: Self.failure(row))
        }
    }

    static let record = """
        SELECT id, queue, state, priority, attempts, max_attempts, crashes, max_crashes, suspect, content_type, headers,
               payload_bytes, time_to_run_ms, unique_key, enqueued_at, run_at, worker, token, lease_expires_at,
               buried_at, reason, done_at, "group", expires_at, cancelled_at, expired_at, events
        FROM stint_job WHERE id = ?1
        """

    private func record(_ id: Int64) throws -> JobRecord? {
        try statement(Self.record).first(id, read: Self.record)
    }

    /// Reads a row with the columns of ``record``.
    static func record(_ row: Statement.Row) -> JobRecord {
        var record = JobRecord(
            id: JobID(rawValue: row.int(0)), queue: QueueName(stored: row.text(1)),
            state: JobState(rawValue: row.text(2)) ?? .ready, priority: UInt32(clamping: row.int(3)),
            attempts: Int(row.int(4)), maxAttempts: Int(row.int(5)), crashes: Int(row.int(6)),
            maxCrashes: Int(row.int(7)), suspect: row.int(8) != 0, contentType: row.text(9),
            headers: Headers(readable: row.optionalText(10)), payloadBytes: Int(row.int(11)),
            timeToRunMilliseconds: row.optionalInt(12), uniqueKey: row.optionalText(13), enqueuedAt: row.int(14))
        record.runAtMilliseconds = row.optionalInt(15)
        record.worker = row.optionalText(16)
        record.token = row.optionalInt(17).map(FencingToken.init(rawValue:))
        record.leaseExpiresAtMilliseconds = row.optionalInt(18)
        record.buriedAtMilliseconds = row.optionalInt(19)
        record.reason = row.optionalText(20)
        record.doneAtMilliseconds = row.optionalInt(21)
        record.group = row.optionalText(22)
        record.expiresAtMilliseconds = row.optionalInt(23)
        record.cancelledAtMilliseconds = row.optionalInt(24)
        record.expiredAtMilliseconds = row.optionalInt(25)
        record.events = row.optionalInt(26).map { Int($0) }
        return record
    }

    /// The result may be a time in the past.
    func nextReady(in queues: [QueueName], passingOverSuspects: Bool = false) throws -> NextRun {
        var next: Timestamp?
        for name in queues {
            guard let queue = try claimableQueue(name) else { continue }
            switch try nextStart(of: queue, passingOverSuspects) {
            case .now: return .now
            case .at(let time): next = min(next ?? .max, time)
            case .unknown: break
            }
            if let runAt = try statement(HotSQL.nextDelayed).first(queue.id, read: { $0.int(0) }) {
                next = min(next ?? .max, runAt)
            }
        }
        return next.map(NextRun.at) ?? .unknown
    }

    /// When a claim may find a job that is ready already.
    private func nextStart(of queue: ClaimableQueue, _ passesOverSuspects: Bool) throws -> NextRun {
        func wall(_ monotonic: Int64) -> Timestamp { now.wall + max(0, monotonic - now.monotonic) }
        var next: Timestamp?
        if let rate = queue.limits.groupRate, queue.hasGroups,
            let time = try statement(HotSQL.nextPaced).first(queue.id, read: { $0.optionalInt(0) }) ?? nil
        {
            // A time that lies further ahead than the window is of an earlier boot.
            next = time > now.monotonic + 2 * rate.window.milliseconds ? now.wall : wall(time)
        }
        guard try next.map({ $0 <= now.wall }) == true || isAnyReady(in: queue, passesOverSuspects) else {
            return next.map(NextRun.at) ?? .unknown
        }
        // The end of one of its jobs will wake the workers.
        if let concurrency = queue.limits.concurrency, queue.leased >= concurrency { return .unknown }
        if let rate = queue.limits.rate, try startsInWindow(rate, queue: queue.id, group: 0) >= rate.starts {
            let time = try nextStart(rate, queue: queue.id, group: 0)
            return time > now.monotonic + 2 * rate.window.milliseconds ? .now : .at(wall(time))
        }
        return .now
    }

    private func isAnyReady(in queue: ClaimableQueue, _ passesOverSuspects: Bool) throws -> Bool {
        let skips: Int64 = !passesOverSuspects ? 0 : queue.limits.isStrict ? 2 : 1
        if queue.takesTurns {
            return try statement(HotSQL.anyReadyInLine).first(queue.id, skips, read: { _ in true }) == true
        }
        if queue.hasGroups && queue.limits.limitsGroups {
            return try statement(HotSQL.anyReadyWithinLimits).first(queue.id, .min, .min, skips, read: { _ in true })
                == true
        }
        return try statement(passesOverSuspects ? HotSQL.anyReadyInnocent : HotSQL.anyReady)
            .first(queue.id, read: { _ in true }) == true
    }
}
