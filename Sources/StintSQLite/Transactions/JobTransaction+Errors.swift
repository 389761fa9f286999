import StintCore

/// Jobs with like errors. Those of buried jobs are kept with each burial; failures are looked through.
extension JobTransaction {
    /// The number of queues that are named with a group of errors.
    private static let queuesPerGroup: Int64 = 20
    /// The number of failures that one page looks at.
    static let failuresPerPage: Int64 = 2_000
    /// The number of burials that one reap gives a group. Each may be of a group of its own, whose counts are elsewhere
    /// in the file.
    private static let groupedPerReap: Int64 = 250

    func errorGroups(_ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?) throws -> ErrorGroupPage {
        var queue: Int64?
        if let name = filter.queue {
            queue = try knownQueueID(name)
            if queue == nil { return ErrorGroupPage() }
        }
        switch filter.kind {
        case .buried:
            return try buriedGroups(
                in: queue, after: cursor, limit: max(0, min(filter.limit, ErrorGroupFilter.maximumLimit)))
        case .failing: return try failingGroups(in: queue, after: cursor)
        }
    }

    // MARK: - Buried jobs

    static let largestErrorGroups = """
        SELECT error_group, buried, first_at, last_at FROM stint_error_groups
        WHERE queue_id = ?1 AND (buried, error_group) < (?2, ?3) ORDER BY buried DESC, error_group DESC LIMIT ?4
        """
    static let queuesOfErrorGroup = """
        SELECT e.queue_id, q.name FROM stint_error_groups e JOIN stint_queues q ON q.id = e.queue_id
        WHERE e.error_group = ?1 AND e.queue_id > 0 ORDER BY e.queue_id LIMIT ?2
        """
    static let latestOfErrorGroup = """
        SELECT b.job_id, b.reason, \(latestError("b.job_id")) FROM stint_buried b
        WHERE b.error_group = ?1 AND b.queue_id = ?2 ORDER BY b.job_id DESC LIMIT 1
        """

    static func latestError(_ job: String) -> String {
        "(SELECT error FROM stint_failures WHERE job_id = \(job) ORDER BY id DESC LIMIT 1)"
    }

    private func buriedGroups(
        in queue: Int64?, after cursor: ErrorGroupCursor?, limit: Int
    ) throws -> ErrorGroupPage {
        let rows = try statement(Self.largestErrorGroups)
            .rows(queue ?? 0, cursor?.order ?? .max, cursor?.position ?? .max, Int64(limit)) { row in
                (group: row.int(0), jobs: row.int(1), first: row.int(2), last: row.int(3))
            }
        let groups = try rows.compactMap { row -> ErrorGroup? in
            let queues = try statement(Self.queuesOfErrorGroup).rows(row.group, Self.queuesPerGroup) {
                (id: $0.int(0), name: QueueName(stored: $0.text(1)))
            }
            guard let sampled = queue ?? queues.first?.id else { return nil }
            let sample = try statement(Self.latestOfErrorGroup).first(row.group, sampled) {
                (job: $0.int(0), error: ErrorFingerprint.source(reason: $0.text(1), latestError: $0.optionalText(2)))
            }
            guard let sample, let error = sample.error else { return nil }
            return ErrorGroup(
                id: ErrorGroupID(rawValue: row.group), fingerprint: ErrorFingerprint(error).text, jobs: Int(row.jobs),
                queues: queues.map(\.name).sorted(), firstSeen: row.first, lastSeen: row.last,
                sample: JobID(rawValue: sample.job), sampleError: error)
        }
        let next = rows.count == limit ? rows.last.map { ErrorGroupCursor(order: $0.jobs, position: $0.group) } : nil
        return ErrorGroupPage(groups: groups, next: next)
    }

    /// The kept number of jobs that are buried with these errors.
    func buriedCount(_ groups: [ErrorGroupID], where includes: (QueueName) -> Bool) throws -> Int {
        try groups.reduce(0) { sum, group in
            let queues = try statement(
                """
                SELECT q.name, e.buried FROM stint_error_groups e JOIN stint_queues q ON q.id = e.queue_id
                WHERE e.error_group = ?1 AND e.queue_id > 0
                """
            ).rows(group.rawValue) { (name: QueueName(stored: $0.text(0)), jobs: Int($0.tally(1))) }
            return queues.filter { includes($0.name) }.reduce(sum) { $0 + $1.jobs }
        }
    }

    static let ungroupedBurials = """
        SELECT job_id, queue_id, buried_at, reason, \(latestError("stint_buried.job_id")) FROM stint_buried
        WHERE error_group IS NULL ORDER BY job_id LIMIT ?1
        """

    func hasUngroupedBurials() throws -> Bool {
        try statement("SELECT 1 FROM stint_buried WHERE error_group IS NULL LIMIT 1").first { _ in true } == true
    }

    /// Groups jobs that were buried before migration 7, or by another program.
    func groupBurials() throws {
        let jobs = try statement(Self.ungroupedBurials).rows(Self.groupedPerReap) { row in
            let fingerprint = ErrorFingerprint(burial: row.text(3), latestError: row.optionalText(4))
            return (id: row.int(0), queue: row.int(1), at: row.int(2), group: fingerprint.id.rawValue)
        }
        for job in jobs {
            try statement("UPDATE stint_buried SET error_group = ?2 WHERE job_id = ?1").execute(job.id, job.group)
            countError(job.group, job.queue, 1, at: job.at)
        }
    }

    static let addErrors = """
        INSERT INTO stint_error_groups (error_group, queue_id, buried, first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT DO UPDATE SET buried = max(0, min(buried, 1000000000000000)) + excluded.buried,
                                  first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)
        """
    static let removeErrors = """
        UPDATE stint_error_groups SET buried = max(0, min(buried, 1000000000000000)) - ?3
        WHERE error_group = ?1 AND queue_id = ?2
        """
    static let deleteErrorGroup =
        "DELETE FROM stint_error_groups WHERE error_group = ?1 AND queue_id = ?2 AND buried <= 0"

    /// Writes the counts of a group of errors.
    func write(_ change: ErrorCount, of group: Int64, in queue: Int64) throws {
        if change.jobs > 0 {
            try statement(Self.addErrors).execute(group, queue, change.jobs, change.first, change.last)
        } else if change.jobs < 0 {
            try statement(Self.removeErrors).execute(group, queue, -change.jobs)
            try statement(Self.deleteErrorGroup).execute(group, queue)
        }
    }

    // MARK: - Failing jobs

    /// The latest failures, each with its job if that waits, and if it is the job's latest one.
    static let failing = """
        SELECT f.id, f.at, j.id, j.queue_id, CASE WHEN j.id IS NULL THEN NULL ELSE f.error END
        FROM stint_failures f LEFT JOIN stint_jobs j
            ON j.id = f.job_id AND (?2 = 0 OR j.queue_id = ?2) AND \(HotSQL.isWaiting)
            AND NOT EXISTS (SELECT 1 FROM stint_failures n WHERE n.job_id = f.job_id AND n.id > f.id)
        WHERE f.id < ?1 ORDER BY f.id DESC LIMIT ?3
        """

    private func failingGroups(in queue: Int64?, after cursor: ErrorGroupCursor?) throws -> ErrorGroupPage {
        var (page, count, last, bytes) = (ErrorGroupPage(), Int64(0), ErrorGroupCursor?.none, 0)
        var places: [ErrorGroupID: Int] = [:]
        let names = NameCache(self)
        // Of thousands of failures most say the same.
        var fingerprints: [String: ErrorFingerprint] = [:]
        _ = try statement(Self.failing).rows(cursor?.position ?? .max, queue ?? 0, Self.failuresPerPage) {
            row -> Void? in
            guard bytes < JobFilter.maximumBytesRead else { return nil }
            count += 1
            last = ErrorGroupCursor(order: row.int(1), position: row.int(0))
            guard let job = row.optionalInt(2) else { return () }
            bytes += row.byteCount(4)
            let (name, error) = (try names.queue(row.int(3)), row.text(4))
            let fingerprint = fingerprints[error] ?? ErrorFingerprint(error)
            fingerprints[error] = fingerprint
            let one = ErrorGroup(
                id: fingerprint.id, fingerprint: fingerprint.text, jobs: 1, queues: [name], firstSeen: row.int(1),
                lastSeen: row.int(1), sample: JobID(rawValue: job), sampleError: error)
            if let place = places[one.id] {
                page.groups[place].add(one)
            } else {
                places[one.id] = page.groups.count
                page.groups.append(one)
            }
            return ()
        }
        page.groups.sort(by: ErrorGroup.isLarger)
        page.next = count == Self.failuresPerPage || bytes >= JobFilter.maximumBytesRead ? last : nil
        return page
    }
}

/// How a transaction changes the number of jobs that are buried with like errors.
struct ErrorCount {
    var jobs: Int64 = 0
    /// When the first and the last of them were buried.
    var first: Timestamp = .max
    var last: Timestamp = .min
}
