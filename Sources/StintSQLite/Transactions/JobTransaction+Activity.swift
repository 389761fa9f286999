import StintCore

/// What happened in queues, by time.
///
/// Counts go to the queue's own row first, which each transaction writes anyway: to a text with those of the latest
/// minute. In the first transaction of a later minute they are added to `stint_buckets`: to the row of their minute, to
/// that of their hour, and to that of all time. So each of these, together with the text, is all that happened.
extension JobTransaction {
    /// How many rows of each length one transaction removes.
    private static let bucketsPerPrune: Int64 = 100
    private static let bucketsPerReap: Int64 = 1_000
    /// How long rows that nobody reads any more may stay in a file in which nothing happens.
    private static let prunePatience: Int64 = 600_000

    /// Adds to what has happened in the latest minute.
    ///
    /// - Parameter store: Writes the minute and the text to the queue's row.
    func write(
        _ activity: ActivityCounts, of queue: Int64, store: (Timestamp, UnsafeBufferPointer<UInt8>) throws -> Void
    ) throws {
        guard !activity.isEmpty else { return }
        let minute = ActivityPeriod.minute.start(of: now.wall)
        let known = try statement(HotSQL.activity).first(queue) { row in
            (minute: row.int(0), counts: row.withUTF8(1, StoredActivity.counts))
        }
        guard let known else { return }
        var sum = activity
        if known.minute == minute {
            sum += known.counts
        } else if !known.counts.isEmpty {
            try keep(known.counts, of: queue, at: known.minute)
        }
        try StoredActivity.text(sum).withUnsafeBufferPointer { try store(minute, $0) }
    }

    /// Adds the counts of a minute that is over to the buckets.
    private func keep(_ counts: ActivityCounts, of queue: Int64, at minute: Timestamp) throws {
        for period in ActivityPeriod.allCases where period.keptStarts(now: now.wall).contains(period.start(of: minute))
        {
            try add(counts, of: queue, to: period.seconds, period.start(of: minute))
        }
        try add(counts, of: queue, to: 0, 0)
        try pruneBuckets(limit: Self.bucketsPerPrune)
    }

    private func add(_ counts: ActivityCounts, of queue: Int64, to seconds: Int64, _ start: Timestamp) throws {
        var sum = counts
        let select = try statement(Self.bucket)
        if let known = try select.first(seconds, start, queue, read: { ActivityCounts(stored: $0, from: 0) }) {
            sum += known
        }
        let insert = try statement(Self.putBucket)
        insert.bind(1, seconds)
        insert.bind(2, start)
        insert.bind(3, queue)
        for (index, number) in sum.numbers.enumerated() { insert.bind(Int32(index) + 4, Int64(number)) }
        try StoredActivity.text(sum.timeInQueue).withUnsafeBufferPointer { waits in
            try StoredActivity.text(sum.runTime).withUnsafeBufferPointer { runs in
                insert.bind(13, uncopied: waits)
                insert.bind(14, uncopied: runs)
                try insert.execute()
            }
        }
    }

    private static let bucketColumns = "\(ActivityCounts.columns), waits, runs"
    static let bucket = """
        SELECT \(bucketColumns) FROM stint_buckets WHERE seconds = ?1 AND start = ?2 AND queue_id = ?3
        """
    static let putBucket = """
        INSERT OR REPLACE INTO stint_buckets (seconds, start, queue_id, \(bucketColumns))
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
        """

    // MARK: - Times

    /// How long these jobs were ready until now. A clock that was set back makes no time negative.
    func waits(of jobs: [Candidate]) throws -> LatencyHistogram {
        var waits = LatencyHistogram()
        // Mostly many have come together.
        var same: (wait: Int64, jobs: Int) = (0, 0)
        for readyAt in try readyTimes(of: jobs) {
            let (difference, overflow) = now.wall.subtractingReportingOverflow(readyAt)
            let wait = overflow ? 0 : max(0, difference)
            if wait != same.wait {
                waits.add(milliseconds: same.wait, times: same.jobs)
                same = (wait, 0)
            }
            same.jobs += 1
        }
        waits.add(milliseconds: same.wait, times: same.jobs)
        return waits
    }

    /// Since when each of these jobs is ready. The times of enqueue are read in ranges of ids that follow one another, as those of
    /// a group often do.
    private func readyTimes(of jobs: [Candidate]) throws -> [Timestamp] {
        let enqueuedAt = try statement(HotSQL.enqueuedAt)
        var times: [Timestamp] = []
        times.reserveCapacity(jobs.count)
        var first = 0
        while first < jobs.count {
            var end = first + 1
            if let readyAt = jobs[first].readyAt {
                times.append(readyAt)
            } else {
                while end < jobs.count, jobs[end].readyAt == nil, jobs[end].id == jobs[end - 1].id &+ 1 { end += 1 }
                times += try enqueuedAt.rows(jobs[first].id, jobs[end - 1].id) { $0.int(0) }
                // Nothing is known of a job whose row another program has removed.
                while times.count < end { times.append(now.wall) }
            }
            first = end
        }
        return times
    }

    /// The first time since which one of a queue's ready jobs is ready, in three looks, each by an index: jobs that
    /// were not ready from their enqueue on; delayed jobs whose time has come; and of the others the first of each priority,
    /// which was enqueued first. Among the first ``priorities`` priorities, and behind as many other jobs at most.
    static let oldestReady = """
        WITH RECURSIVE place (priority) AS (
            SELECT min(priority) FROM stint_ready WHERE queue_id = ?1
            UNION ALL
            SELECT (SELECT min(priority) FROM stint_ready WHERE queue_id = ?1 AND priority > place.priority)
            FROM place WHERE place.priority IS NOT NULL LIMIT \(priorities)
        )
        SELECT min(since) FROM (
            SELECT min(ready_at) AS since FROM stint_ready WHERE queue_id = ?1 AND ready_at IS NOT NULL
            UNION ALL
            SELECT min(run_at) FROM stint_delayed WHERE queue_id = ?1 AND run_at <= ?2
            UNION ALL
            SELECT min((
                SELECT enqueued_at FROM stint_jobs WHERE id = (
                    SELECT job_id FROM (
                        SELECT job_id, ready_at FROM stint_ready
                        WHERE queue_id = ?1 AND priority = place.priority ORDER BY job_id LIMIT \(priorities)
                    ) WHERE ready_at IS NULL LIMIT 1)
            )) FROM place
        )
        """
    private static let priorities = 100

    /// For how long the job has been ready that has been so for longest; `nil` if none is.
    func oldestReady(in queue: Int64) throws -> Duration? {
        let since = try statement(Self.oldestReady).first(queue, now.wall) { $0.optionalInt(0) } ?? nil
        return since.map { .milliseconds(max(0, now.wall - max(0, $0))) }
    }

    // MARK: - Reading

    func activity(of names: [QueueName]?, last: Duration) throws -> [QueueActivity] {
        let period = ActivityPeriod.covering(last)
        let starts = period.starts(last: last, now: now.wall)
        let queues = try activeQueues(names)
        // One range of the table, or a search for each queue and bucket.
        var all: [Int64: [ActivityBucket]] = [:]
        if names == nil, let starts { all = try buckets(of: period, starts) }
        return try queues.map { queue in
            var buckets = all[queue.id] ?? []
            if names != nil, let starts { buckets = try self.buckets(of: period, starts, queue.id) }
            let minute = period.start(of: queue.minute)
            if let starts, starts.contains(minute), !queue.latest.isEmpty {
                Self.add(queue.latest, at: minute, to: &buckets)
            }
            let total = try statement(Self.bucket).first(0, 0, queue.id) { ActivityCounts(stored: $0, from: 0) }
            return QueueActivity(
                queue: queue.name, total: (total ?? ActivityCounts()) + queue.latest,
                oldestReady: try oldestReady(in: queue.id), period: period,
                buckets: buckets, starts: starts, readAtMilliseconds: now.wall)
        }
    }

    private static func add(_ counts: ActivityCounts, at start: Timestamp, to buckets: inout [ActivityBucket]) {
        let place = buckets.firstIndex { $0.startMilliseconds >= start } ?? buckets.endIndex
        if place < buckets.endIndex, buckets[place].startMilliseconds == start {
            buckets[place] = ActivityBucket(startMilliseconds: start, counts: buckets[place].counts + counts)
        } else {
            buckets.insert(ActivityBucket(startMilliseconds: start, counts: counts), at: place)
        }
    }

    private func activeQueues(
        _ names: [QueueName]?
    ) throws -> [(name: QueueName, id: Int64, minute: Timestamp, latest: ActivityCounts)] {
        func read(_ row: Statement.Row) -> (name: QueueName, id: Int64, minute: Timestamp, latest: ActivityCounts) {
            (QueueName(stored: row.text(0)), row.int(1), row.int(2), row.withUTF8(3, StoredActivity.counts))
        }
        let columns = "SELECT name, id, minute, activity FROM stint_queues"
        guard let names else { return try statement("\(columns) ORDER BY name").rows(read: read) }
        let select = try statement("\(columns) WHERE name = ?1")
        return try Set(names).map(\.description).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .compactMap { name in
                select.bind(1, name)
                return try select.first(read: read)
            }
    }

    static let bucketsOfPeriod = """
        SELECT \(bucketColumns), start, queue_id FROM stint_buckets WHERE seconds = ?1 AND start BETWEEN ?2 AND ?3
        ORDER BY start, queue_id
        """

    private func buckets(
        of period: ActivityPeriod, _ starts: ClosedRange<Timestamp>
    ) throws -> [Int64: [ActivityBucket]] {
        var buckets: [Int64: [ActivityBucket]] = [:]
        _ = try statement(Self.bucketsOfPeriod).rows(period.seconds, starts.lowerBound, starts.upperBound) { row in
            buckets[row.int(12), default: []].append(
                ActivityBucket(startMilliseconds: row.int(11), counts: ActivityCounts(stored: row, from: 0)))
        }
        return buckets
    }

    private func buckets(
        of period: ActivityPeriod, _ starts: ClosedRange<Timestamp>, _ queue: Int64
    ) throws -> [ActivityBucket] {
        let select = try statement(Self.bucket)
        return try stride(from: starts.lowerBound, through: starts.upperBound, by: Int(period.milliseconds))
            .compactMap { start in
                try select.first(period.seconds, start, queue) {
                    ActivityBucket(startMilliseconds: start, counts: ActivityCounts(stored: $0, from: 0))
                }
            }
    }

    // MARK: - Pruning

    static let firstBucket = "SELECT min(start) FROM stint_buckets WHERE seconds = ?1"
    static let bucketsBefore = """
        SELECT start, queue_id FROM stint_buckets WHERE seconds = ?1 AND start < ?2 ORDER BY start, queue_id LIMIT ?3
        """
    static let bucketsAfter = """
        SELECT start, queue_id FROM stint_buckets WHERE seconds = ?1 AND start > ?2 ORDER BY start, queue_id LIMIT ?3
        """
    static let deleteBucket = "DELETE FROM stint_buckets WHERE seconds = ?1 AND start = ?2 AND queue_id = ?3"

    /// Whether there are buckets that should have gone some time ago. Transactions that count remove them too, so this
    /// is so only if nothing happens any more.
    func hasOldBuckets() throws -> Bool {
        try ActivityPeriod.allCases.contains { period in
            let first = try statement(Self.firstBucket).first(period.seconds) { $0.optionalInt(0) } ?? nil
            return first.map { $0 < period.keptStarts(now: now.wall &- Self.prunePatience).lowerBound } ?? false
        }
    }

    func pruneBuckets() throws { try pruneBuckets(limit: Self.bucketsPerReap) }

    private func pruneBuckets(limit: Int64) throws {
        for period in ActivityPeriod.allCases {
            let kept = period.keptStarts(now: now.wall)
            for (sql, bound) in [(Self.bucketsBefore, kept.lowerBound), (Self.bucketsAfter, kept.upperBound)] {
                let old = try statement(sql).rows(period.seconds, bound, limit) { ($0.int(0), $0.int(1)) }
                for (start, queue) in old { try statement(Self.deleteBucket).execute(period.seconds, start, queue) }
            }
        }
    }
}

extension ActivityPeriod {
    /// As `stint_buckets` names it.
    var seconds: Int64 { milliseconds / 1_000 }
}

extension ActivityCounts {
    /// Reads the columns of `stint_buckets` from `enqueued` on. Another program may have written absurd numbers.
    fileprivate init(stored row: Statement.Row, from first: Int32) {
        self.init(
            numbers: (0..<Int32(Self.numberCount)).map { Int(min(max(0, row.int(first + $0)), Int64(1) << 52)) })
        timeInQueue = row.withUTF8(first + Int32(Self.numberCount), StoredActivity.histogram)
        runTime = row.withUTF8(first + Int32(Self.numberCount) + 1, StoredActivity.histogram)
    }
}
