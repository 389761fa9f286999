import StintCore

/// Jobs with all that is known of them, for another store.
extension JobTransaction {
    func exportJobs(of names: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        let limit = max(1, min(limit, StoredJob.maximumCount))
        var queues: Set<Int64> = []
        for name in names ?? [] {
            if let id = try await knownQueueID(name) { queues.insert(id) }
        }
        let rows = try await run(
            """
            SELECT j.id, j.queue_id, coalesce(d.bytes, octet_length(j.payload))
            FROM stint.jobs j LEFT JOIN stint.digests d ON d.job_id = j.id
            WHERE j.id > $1 ORDER BY j.id LIMIT $2::bigint
            """, .int(id?.rawValue ?? .min), .int(Int64(JobFilter.maximumRowsRead)))
        var (found, bytes, last): ([Int64], Int64, Int64?) = ([], 0, nil)
        var isMore = rows.count == JobFilter.maximumRowsRead
        for row in rows {
            guard found.count < limit, bytes < StoredJob.maximumBytes else {
                isMore = true
                break
            }
            last = try row.int(0)
            guard try names == nil || queues.contains(row.int(1)) else { continue }
            found.append(try row.int(0))
            bytes += try row.int(2)
        }
        return ExportedJobs(try await storedJobs(found), next: isMore ? last.map(JobID.init(rawValue:)) : nil)
    }

    /// Those that are in any state, in the order of their ids.
    func storedJobs(_ ids: [Int64]) async throws -> [StoredJob] {
        guard !ids.isEmpty else { return [] }
        let results = try await run([
            PostgresStatement(Self.storedJobs, [.ints(ids)]),
            PostgresStatement(
                "SELECT job_id, payload FROM stint.events WHERE job_id = ANY ($1) ORDER BY job_id, id", [.ints(ids)]),
            PostgresStatement(
                "SELECT \(Self.failure), job_id FROM stint.failures WHERE job_id = ANY ($1) ORDER BY job_id, id",
                [.ints(ids)]),
        ])
        var events: [Int64: [[UInt8]]] = [:]
        for row in results[1] { events[try row.int(0), default: []].append(try row.bytes(1)) }
        var failures: [Int64: [JobFailure]] = [:]
        for row in results[2] { failures[try row.int(10), default: []].append(try Self.failure(row)) }
        return try results[0].map { row in
            var record = try Self.record(row)
            let payload = try row.bytes(27)
            var payloads: [[UInt8]]?
            if record.events != nil {
                payloads = [payload] + (events[record.id.rawValue] ?? [])
                // An event may have come after the job was read.
                record.events = payloads!.count
                record.payloadBytes = payloads!.reduce(0) { $0 + $1.count }
            }
            var job = StoredJob(
                JobDetails(
                    record: record, payload: payload, events: payloads, failures: failures[record.id.rawValue] ?? []))
            job.readyAt = try row.optionalInt(28)
            job.burial = try row.optionalInt(29)
            job.holdsGroup = try row.bool(30)
            job.wasClaimed = try row.bool(31)
            job.openedAt = try row.optionalInt(32)
            job.startLimit = try row.optionalInt(33)
            return job
        }
    }

    /// The columns of ``record``, and what else is known. All of a job is read by one statement, so it is of one moment.
    static let storedJobs = """
        WITH held AS MATERIALIZED (SELECT * FROM stint.leased WHERE job_id = ANY ($1))
        SELECT j.id, q.name, s.state, j.priority, s.attempts, j.max_attempts, s.crashes, j.max_crashes, s.suspect,
               j.content_type, j.headers, coalesce(d.bytes, octet_length(j.payload)), j.time_to_run_ms, u.key, j.enqueued_at,
               s.run_at, s.worker, s.token, s.lease_expires_at, s.buried_at, s.reason, s.done_at, nullif(g.name, ''),
               s.expires_at, s.cancelled_at, s.expired_at, d.events, j.payload, s.ready_at, s.burial, s.holds_group,
               coalesce(u.was_claimed, false), d.opened_at, d.start_limit
        FROM stint.jobs j
        CROSS JOIN LATERAL (\(JobState.allCases.flatMap(places(in:)).joined(separator: " UNION ALL "))) s
        JOIN stint.queues q ON q.id = j.queue_id
        LEFT JOIN stint.unique_keys u ON u.job_id = j.id
        LEFT JOIN stint.groups g ON g.id = s.group_id
        LEFT JOIN stint.digests d ON d.job_id = j.id
        WHERE j.id = ANY ($1) ORDER BY j.id
        """

    /// The row of a job in a state; each of the two indexes of ready jobs has a part of them.
    private static func places(in state: JobState) -> [String] {
        func column(_ name: String, _ type: String, _ isThere: Bool, otherwise: String? = nil) -> String {
            isThere ? name : "\(otherwise ?? "NULL::\(type)") AS \(name)"
        }
        let columns = [
            "'\(state.rawValue)' AS state", "attempts", "crashes",
            column("suspect", "boolean", state.isUnfinished, otherwise: "false"), "group_id",
            column("expires_at", "bigint", !state.isOver), column("run_at", "bigint", state == .delayed),
            column("worker", "text", state == .leased), column("token", "bigint", state == .leased),
            column("lease_expires_at", "bigint", state == .leased), column("buried_at", "bigint", state == .buried),
            column("reason", "text", state.hasReason), column("done_at", "bigint", state == .done),
            column("cancelled_at", "bigint", state == .cancelled), column("expired_at", "bigint", state == .expired),
            column("ready_at", "bigint", state == .ready), column("burial", "bigint", state == .buried),
            column("holds_group", "boolean", state == .delayed, otherwise: "false"),
        ].joined(separator: ", ")
        switch state {
        case .ready:
            return ["IS NULL", "IS NOT NULL"].map { isGrouped in
                """
                SELECT \(columns) FROM stint.ready r
                WHERE r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id AND r.group_id \(isGrouped)
                """
            }
        case .leased: return ["SELECT \(columns) FROM held WHERE job_id = j.id"]
        case .delayed, .buried, .done, .cancelled, .expired:
            return ["SELECT \(columns) FROM \(state.table) WHERE job_id = j.id"]
        }
    }
}
