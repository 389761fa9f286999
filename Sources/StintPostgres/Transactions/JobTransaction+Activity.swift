import StintCore

/// What happened in queues, by time: in `stint.tallies`, until a reap adds finished rows of it to `stint.buckets`.
extension JobTransaction {
    /// How many rows of each length one reap removes.
    private static let bucketsPerReap: Int64 = 1_000
    /// How many rows of `stint.tallies` one reap adds up.
    private static let talliesPerReap: Int64 = 5_000
    /// A row is written for this long after its ten seconds at the most: by transactions that began in them.
    private static let talliesAreOpen: Int64 = 60_000
    /// How long rows that nobody reads any more may stay where nothing happens.
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
        func histogram(_ column: String) -> String {
            """
            coalesce((SELECT array_agg(n ORDER BY place) FROM (
                SELECT place, sum(count)::bigint AS n
                FROM unnest(array_agg(r.\(column))) WITH ORDINALITY AS a (count, place) GROUP BY place) s), '{}')
            """
        }
        // Lists of different lengths cannot be added up by the place in one array of all, so they come as they are.
        _ = histogram
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
}
