import StintCore

/// What happened in queues, by time: in `stint.tallies`, until a reap adds finished rows of it to `stint.buckets`.
extension JobTransaction {
    /// How many rows of each length one reap removes.
    private static let bucketsPerReap: Int64 = 1_000
    /// How many rows of `stint.tallies` one reap adds up.
    private static let talliesPerReap: Int64 = 5_000
    /// A row is written for this long after its ten seconds at the most: by transactions that began in them.
    private static let talliesAreOpen: Int64 = 60_000
    /// How long rows that are not needed any more may stay where nothing happens.
    private static let prunePatience: Int64 = 600_000

    /// The columns of ``ActivityCounts/numbers``, in their order.
    private static let tallyNumbers = "enqueued started done failed crashed lost burials cancelled expired"
        .split(separator: " ").map(String.init)
    private static let bucketNumbers = tallyNumbers.map { $0 == "burials" ? "buried" : $0 }

    // MARK: - Reading

    func activity(of names: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        let period = ActivityPeriod.covering(last)
        let starts = period.starts(last: last, now: now.wall)
        let queues = try await run(
            "SELECT id, name FROM stint.queues WHERE $1::text[] IS NULL OR name = ANY ($1) ORDER BY name",
            names.map { .texts($0.map(\.description)) } ?? .null
        ).map { (id: try $0.int(0), name: QueueName(stored: try $0.text(1))) }
        let ids = queues.map(\.id)
        var totals: [Int64: ActivityCounts] = [:]
        for (queue, _, counts) in try await counted(Self.tallied(by: "0::bigint"), .ints(ids)) {
            totals[queue, default: ActivityCounts()] += counts
        }
        var buckets: [Int64: [Timestamp: ActivityCounts]] = [:]
        if let starts {
            let length = period.milliseconds
            // Rows of both may be of the same bucket.
            let found =
                try await counted(
                    """
                    SELECT queue_id::bigint, start, \(Self.bucketNumbers.joined(separator: ", ")), waits_ms, runs_ms, waits, runs
                    FROM stint.buckets WHERE seconds = $2::integer AND start BETWEEN $3 AND $4 AND queue_id = ANY ($1)
                    """, .ints(ids), .int32(Int32(length / 1_000)), .int(starts.lowerBound), .int(starts.upperBound))
                + (try await counted(
                    Self.tallied(by: "start - start % $2", "start BETWEEN $3 AND $4"), .ints(ids), .int(length),
                    .int(starts.lowerBound), .int(starts.upperBound + length - 1)))
            for (queue, start, counts) in found {
                buckets[queue, default: [:]][start, default: ActivityCounts()] += counts
            }
        }
        let oldest = try await oldestReady(in: ids)
        return queues.map { id, name in
            let rows = (buckets[id] ?? [:]).sorted { $0.key < $1.key }
                .map { ActivityBucket(startMilliseconds: $0.key, counts: $0.value) }
            return QueueActivity(
                queue: name, total: totals[id] ?? ActivityCounts(), oldestReady: oldest[id], period: period,
                buckets: rows, starts: starts, readAtMilliseconds: now.wall)
        }
    }

    /// The sums over the rows of each queue and time; $1 are the queues.
    private static func tallied(by time: String, _ condition: String = "true") -> String {
        let sums = (tallyNumbers + ["waits_ms", "runs_ms"]).map { "sum(\($0))::bigint" }.joined(separator: ", ")
        return """
            SELECT queue_id::bigint, \(time), \(sums), stint.sum_counts(waits), stint.sum_counts(runs)
            FROM stint.tallies WHERE queue_id = ANY ($1) AND \(condition) GROUP BY 1, 2
            """
    }

    /// Reads rows of a queue, a time, the numbers, the sums of times and the histograms.
    private func counted(
        _ sql: String, _ parameters: PostgresValue...
    ) async throws -> [(queue: Int64, start: Timestamp, counts: ActivityCounts)] {
        try await run([PostgresStatement(sql, parameters)])[0].map { row in
            let numbers = Self.tallyNumbers.count
            var counts = ActivityCounts(numbers: try (0..<numbers).map { Int(clamping: max(0, try row.int(2 + $0))) })
            func histogram(_ counts: Int, _ total: Int) throws -> LatencyHistogram {
                LatencyHistogram(
                    counts: try row.ints(counts).map { Int(clamping: $0) }, totalMilliseconds: Int(try row.int(total)))
            }
            counts.timeInQueue = try histogram(numbers + 4, numbers + 2)
            counts.runTime = try histogram(numbers + 5, numbers + 3)
            return (try row.int(0), try row.int(1), counts)
        }
    }

    // MARK: - The oldest ready job

    /// For each queue the first time since which one of its ready jobs is ready, in three looks, each by an index: jobs
    /// that were not ready from their enqueue on; delayed jobs whose time has come; and of the others the first of each
    /// priority, which was enqueued first. Among the first ``priorities`` priorities, and behind as many other jobs at
    /// most.
    private static let oldestReady = """
        SELECT q.id, least(
            (SELECT min(ready_at) FROM stint.ready WHERE queue_id = q.id AND ready_at IS NOT NULL),
            (SELECT min(run_at) FROM stint.delayed WHERE queue_id = q.id AND run_at <= $2),
            \(oldestEnqueued("IS NULL")), \(oldestEnqueued("IS NOT NULL")))
        FROM unnest($1::integer[]) AS q (id)
        """
    private static let priorities = 100

    /// Each of the two indexes has a part of the rows.
    private static func oldestEnqueued(_ isGrouped: String) -> String {
        func first(_ condition: String) -> String {
            """
            (SELECT priority FROM stint.ready WHERE queue_id = q.id AND group_id \(isGrouped) \(condition)
             ORDER BY priority LIMIT 1)
            """
        }
        return """
            (WITH RECURSIVE place (priority) AS (
                 SELECT \(first(""))
                 UNION ALL
                 SELECT \(first("AND priority > place.priority")) FROM place WHERE place.priority IS NOT NULL
             )
             SELECT min((
                 SELECT enqueued_at FROM stint.jobs WHERE id = (
                     SELECT job_id FROM (
                         SELECT job_id, ready_at FROM stint.ready
                         WHERE queue_id = q.id AND priority = p.priority AND group_id \(isGrouped)
                         ORDER BY job_id LIMIT \(priorities)
                     ) f WHERE ready_at IS NULL LIMIT 1)))
             FROM (SELECT priority FROM place LIMIT \(priorities)) p)
            """
    }

    /// For how long the job has been ready that has been so for longest, of each queue that has one.
    func oldestReady(in queues: [Int64]) async throws -> [Int64: Duration] {
        let rows = try await run(
            Self.oldestReady, .int32s(queues.map { Int32(clamping: $0) }), .int(now.wall))
        var oldest: [Int64: Duration] = [:]
        for row in rows {
            guard let since = try row.optionalInt(1) else { continue }
            oldest[try row.int(0)] = .milliseconds(max(0, now.wall - max(0, since)))
        }
        return oldest
    }

    // MARK: - Upkeep

    /// Rows of `stint.tallies` to which nothing is added any more.
    private static let oldTallies = "SELECT * FROM stint.tallies WHERE start > 0 AND start <= $1"

    /// Whether there are rows to add up, or buckets that should have gone some time ago.
    func hasOldActivity() async throws -> Bool {
        let patience = now.wall &- Self.prunePatience
        let statements =
            [PostgresStatement("\(Self.oldTallies) LIMIT 1", [.int(now.wall - Self.talliesAreOpen)])]
            + ActivityPeriod.allCases.map { period in
                PostgresStatement(
                    "SELECT 1 FROM stint.buckets WHERE seconds = $1::integer AND start < $2 LIMIT 1",
                    [.int32(period.seconds), .int(period.keptStarts(now: patience).lowerBound)])
            }
        return try await run(statements).contains { !$0.isEmpty }
    }

    /// Adds finished rows to the buckets, and to the row of all time.
    func addUpActivity() async throws {
        let numbers = Self.tallyNumbers + ["waits_ms", "runs_ms"]
        let bucketNumbers = Self.bucketNumbers + ["waits_ms", "runs_ms"]
        func sums(_ columns: [String]) -> String { columns.map { "sum(\($0))::bigint" }.joined(separator: ", ") }
        let states = ["ready", "delayed", "leased", "buried"]
        _ = try await run([
            PostgresStatement(
                """
                WITH old AS (
                    DELETE FROM stint.tallies t USING (
                        SELECT queue_id, start, slot FROM (\(Self.oldTallies)) o
                        ORDER BY queue_id, start, slot LIMIT $2::bigint FOR UPDATE SKIP LOCKED
                    ) o
                    WHERE t.queue_id = o.queue_id AND t.start = o.start AND t.slot = o.slot RETURNING t.*
                ), total AS (
                    INSERT INTO stint.tallies AS t (queue_id, start, slot, \(Tally.numberColumns), waits, runs)
                    SELECT queue_id, 0, -1, \(sums(states + numbers)), stint.sum_counts(waits), stint.sum_counts(runs)
                    FROM old GROUP BY queue_id ORDER BY queue_id
                    \(Tally.onConflict)
                )
                INSERT INTO stint.buckets AS b (seconds, start, queue_id, \(bucketNumbers.joined(separator: ", ")), waits, runs)
                SELECT p.seconds, old.start - old.start % (p.seconds * 1000), queue_id, \(sums(numbers)),
                       stint.sum_counts(waits), stint.sum_counts(runs)
                FROM old CROSS JOIN unnest($3::bigint[]) AS p (seconds) GROUP BY 1, 2, 3 ORDER BY 3, 1, 2
                ON CONFLICT (seconds, start, queue_id) DO UPDATE SET
                    \(bucketNumbers.map { "\($0) = b.\($0) + excluded.\($0)" }.joined(separator: ", ")),
                    waits = stint.add_counts(b.waits, excluded.waits), runs = stint.add_counts(b.runs, excluded.runs)
                """,
                [
                    .int(now.wall - Self.talliesAreOpen), .int(Self.talliesPerReap),
                    .ints(ActivityPeriod.allCases.map { Int64($0.seconds) }),
                ])
        ])
        _ = try await run(
            ActivityPeriod.allCases.map { period in
                let kept = period.keptStarts(now: now.wall)
                return PostgresStatement(
                    """
                    DELETE FROM stint.buckets WHERE (seconds, start, queue_id) IN (
                        SELECT seconds, start, queue_id FROM stint.buckets
                        WHERE seconds = $1::integer AND (start < $2 OR start > $3)
                        ORDER BY start, queue_id LIMIT $4::bigint)
                    """,
                    [
                        .int32(period.seconds), .int(kept.lowerBound), .int(kept.upperBound), .int(Self.bucketsPerReap),
                    ])
            })
    }
}

extension ActivityPeriod {
    /// As `stint.buckets` names it.
    fileprivate var seconds: Int32 { Int32(milliseconds / 1_000) }
}
