import StintCore

/// The payloads of claimed jobs.
extension JobTransaction {
    /// The claimed jobs as their holder gets them.
    ///
    /// - Returns: Also those whose stored headers cannot be read, with the reason.
    func load(_ claim: Claim) async throws -> (jobs: [LeasedJob], unreadable: [Settlement]) {
        guard !claim.jobs.isEmpty else { return ([], []) }
        let ids = PostgresValue.ints(claim.jobs.map(\.candidate.id))
        let rows = try await run(
            """
            SELECT id, max_attempts, time_to_run_ms, enqueued_at, content_type, headers, payload, is_digest FROM stint.jobs
            WHERE id = ANY ($1)
            """, ids)
        var byID: [Int64: PostgresRow] = [:]
        var hasDigest = false
        for row in rows {
            byID[try row.int(0)] = row
            if try row.bool(7) { hasDigest = true }
        }
        var events: [Int64: [[UInt8]]] = [:]
        if hasDigest { events = try Self.events(try await run([Self.events(ofJobs: ids)])[0]) }
        var jobs: [LeasedJob] = []
        var unreadable: [Settlement] = []
        for job in claim.jobs {
            guard let row = byID[job.candidate.id] else { continue }
            do {
                jobs.append(try Self.leased(job, row, events[job.candidate.id] ?? []))
            } catch {
                unreadable.append(
                    Settlement(job.lease, .bury(reason: "its stored headers cannot be read: \(error)")))
            }
        }
        return (jobs, unreadable)
    }

    /// The events of digests after the first, for ``events(_:)``.
    static func events(ofJobs ids: PostgresValue) -> PostgresStatement {
        PostgresStatement("SELECT job_id, payload FROM stint.events WHERE job_id = ANY ($1) ORDER BY job_id, id", [ids])
    }

    /// By their job.
    static func events(_ rows: PostgresRows) throws -> [Int64: [[UInt8]]] {
        var events: [Int64: [[UInt8]]] = [:]
        for row in rows { events[try row.int(0), default: []].append(try row.bytes(1)) }
        return events
    }

    private static func leased(_ job: Claim.Job, _ row: PostgresRow, _ events: [[UInt8]]) throws -> LeasedJob {
        let payload = try row.bytes(6)
        let candidate = job.candidate
        return LeasedJob(
            lease: job.lease, queue: candidate.queue.name, payload: payload, contentType: try row.text(4),
            headers: try Headers(storedText: try row.optionalText(5)), priority: UInt32(clamping: candidate.priority),
            attempt: Int(clamping: candidate.attempts + 1), maxAttempts: Int(clamping: try row.int(1)),
            timeToRun: try row.optionalInt(2).map { .milliseconds($0) }, enqueuedAt: try row.int(3),
            runsAlone: candidate.suspect, events: try row.bool(7) ? [payload] + events : nil,
            expiresAt: candidate.expiresAt, expiresIn: job.expiresIn)
    }
}
