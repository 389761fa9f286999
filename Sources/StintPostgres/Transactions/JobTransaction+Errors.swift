import StintCore

/// Jobs with like errors. Those of buried jobs are kept with each burial; failures are looked through.
extension JobTransaction {
    /// The number of queues that are named with a group of errors.
    private static let queuesPerGroup = 20
    /// The number of failures that one page looks at.
    static let failuresPerPage = 2_000

    func errorGroups(_ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?) async throws -> ErrorGroupPage {
        var queue: Int64?
        if let name = filter.queue {
            queue = try await knownQueueID(name)
            if queue == nil { return ErrorGroupPage() }
        }
        switch filter.kind {
        case .buried:
            return try await buriedGroups(
                in: queue, after: cursor, limit: max(0, min(filter.limit, ErrorGroupFilter.maximumLimit)))
        case .failing: return try await failingGroups(in: queue, after: cursor)
        }
    }

    // MARK: - Buried jobs

    /// The largest groups, each with the names of some of its queues and with its latest job.
    private static let largestErrorGroups = """
        SELECT e.error_group, e.buried, e.first_at, e.last_at,
               ARRAY(SELECT q.name FROM (
                         SELECT queue_id FROM stint.error_groups
                         WHERE error_group = e.error_group AND queue_id > 0 ORDER BY queue_id LIMIT \(queuesPerGroup)
                     ) n JOIN stint.queues q ON q.id = n.queue_id),
               b.job_id, b.reason, \(latestError("b.job_id"))
        FROM (SELECT * FROM stint.error_groups
              WHERE queue_id = $1 AND (buried, error_group) < ($2::bigint, $3::bigint)
              ORDER BY buried DESC, error_group DESC LIMIT $4::bigint) e
        LEFT JOIN LATERAL (
            SELECT job_id, reason FROM stint.buried
            WHERE error_group = e.error_group AND queue_id = CASE WHEN $1 > 0 THEN $1 ELSE (
                SELECT min(queue_id) FROM stint.error_groups WHERE error_group = e.error_group AND queue_id > 0) END
            ORDER BY job_id DESC LIMIT 1
        ) b ON true
        ORDER BY e.buried DESC, e.error_group DESC
        """

    private func buriedGroups(
        in queue: Int64?, after cursor: ErrorGroupCursor?, limit: Int
    ) async throws -> ErrorGroupPage {
        let rows = try await run(
            Self.largestErrorGroups, .int32(Int32(clamping: queue ?? 0)), .int(cursor?.order ?? .max),
            .int(cursor?.position ?? .max), .int(Int64(limit)))
        let groups = try rows.compactMap { row -> ErrorGroup? in
            guard let job = try row.optionalInt(5),
                let error = ErrorFingerprint.source(reason: try row.text(6), latestError: try row.optionalText(7))
            else { return nil }
            return ErrorGroup(
                id: ErrorGroupID(rawValue: try row.int(0)), fingerprint: ErrorFingerprint(error).text,
                jobs: Int(try row.int(1)), queues: try row.texts(4).map(QueueName.init(stored:)).sorted(),
                firstSeen: try row.int(2), lastSeen: try row.int(3), sample: JobID(rawValue: job), sampleError: error)
        }
        let next =
            rows.count == limit
            ? try rows.last.map { ErrorGroupCursor(order: try $0.int(1), position: try $0.int(0)) } : nil
        return ErrorGroupPage(groups: groups, next: next)
    }

    /// The kept number of jobs that are buried with these errors.
    func buriedCount(_ groups: [ErrorGroupID], where includes: (QueueName) -> Bool) async throws -> Int {
        try await run(
            """
            SELECT q.name, e.buried FROM stint.error_groups e JOIN stint.queues q ON q.id = e.queue_id
            WHERE e.error_group = ANY ($1) AND e.queue_id > 0
            """, .ints(groups.map(\.rawValue))
        ).reduce(0) { sum, row in
            includes(QueueName(stored: try row.text(0))) ? sum + Int(clamping: max(0, try row.int(1))) : sum
        }
    }

    // MARK: - Failing jobs

    /// The latest failures, each with its job if that waits, and if it is the job's latest one. Their texts are at most
    /// about $4 bytes.
    private static let failing = """
        SELECT id, at, job_id, queue, error FROM (
            SELECT f.id, f.at, j.id AS job_id, j.name AS queue, CASE WHEN j.id IS NOT NULL THEN f.error END AS error,
                   sum(CASE WHEN j.id IS NULL THEN 0 ELSE octet_length(f.error) END)
                       OVER (ORDER BY f.id DESC ROWS UNBOUNDED PRECEDING)
                       - CASE WHEN j.id IS NULL THEN 0 ELSE octet_length(f.error) END AS before
            FROM (SELECT id, at, job_id, error FROM stint.failures WHERE id < $1 ORDER BY id DESC LIMIT $3::bigint) f
            LEFT JOIN LATERAL (
                SELECT j.id, q.name FROM stint.jobs j JOIN stint.queues q ON q.id = j.queue_id
                WHERE j.id = f.job_id AND ($2 = 0 OR j.queue_id = $2)
                    AND NOT EXISTS (SELECT 1 FROM stint.failures n WHERE n.job_id = f.job_id AND n.id > f.id)
                    AND (EXISTS (SELECT 1 FROM stint.delayed WHERE job_id = j.id) OR EXISTS (\(readyRow)))
            ) j ON true
        ) r WHERE before < $4::bigint ORDER BY id DESC
        """

    private func failingGroups(in queue: Int64?, after cursor: ErrorGroupCursor?) async throws -> ErrorGroupPage {
        var (page, last, bytes) = (ErrorGroupPage(), ErrorGroupCursor?.none, 0)
        var places: [ErrorGroupID: Int] = [:]
        // Of thousands of failures most say the same.
        var fingerprints: [String: ErrorFingerprint] = [:]
        let rows = try await run(
            Self.failing, .int(cursor?.position ?? .max), .int32(Int32(clamping: queue ?? 0)),
            .int(Int64(Self.failuresPerPage)), .int(Int64(JobFilter.maximumBytesRead)))
        for row in rows {
            last = ErrorGroupCursor(order: try row.int(1), position: try row.int(0))
            guard let job = try row.optionalInt(2) else { continue }
            let (name, error) = (QueueName(stored: try row.text(3)), try row.text(4))
            bytes += error.utf8.count
            let fingerprint = fingerprints[error] ?? ErrorFingerprint(error)
            fingerprints[error] = fingerprint
            let one = ErrorGroup(
                id: fingerprint.id, fingerprint: fingerprint.text, jobs: 1, queues: [name], firstSeen: try row.int(1),
                lastSeen: try row.int(1), sample: JobID(rawValue: job), sampleError: error)
            if let place = places[one.id] {
                page.groups[place].add(one)
            } else {
                places[one.id] = page.groups.count
                page.groups.append(one)
            }
        }
        page.groups.sort(by: ErrorGroup.isLarger)
        page.next = rows.count == Self.failuresPerPage || bytes >= JobFilter.maximumBytesRead ? last : nil
        return page
    }
}
