import GRDB
import StintCore

/// Builds the full-text index after the commits: in steps of a bounded number of jobs and bytes, each from where the one
/// before ended, so that a kill in between loses nothing. Workers wait for one step at most.
extension JobTransaction {
    /// What one step may do. FTS5 indexes about 2 MB in a second.
    struct SearchBudget {
        /// Jobs that are indexed or removed.
        var jobs = 200
        var bytes = 65_536
        /// Jobs that are read, also of other queues.
        var rows: Int64 = 2_000

        var isSpent: Bool { jobs <= 0 || bytes <= 0 }
    }

    /// The most rows of other queues behind which a queue's next job may stand unseen.
    private static let rowsPerLook: Int64 = 500

    func searchedQueue(_ id: Int64) throws -> SearchedQueue? {
        try statement("\(SearchedQueue.select) WHERE s.queue_id = ?1").first(id, read: SearchedQueue.init)
    }

    private func searchedQueues() throws -> [SearchedQueue] {
        try statement("\(SearchedQueue.select) ORDER BY s.queue_id").rows(read: SearchedQueue.init)
    }

    /// Whether a step would find anything to do. It costs a look into an empty table if no queue is indexed.
    func needsIndexing() throws -> Bool {
        try Self.hasFTS5
            && searchedQueues().contains { queue in
                try !queue.isInUse || queue.bytes > queue.maximumBytes || hasChanges(queue)
                    || isBehind(queue)
            }
    }

    /// Whether any queue is indexed: its jobs that are gone are looked for now and then.
    func mayIndex() throws -> Bool {
        try statement("SELECT 1 FROM stint_search_queues LIMIT 1").first { _ in true } == true
    }

    func hasChanges(_ queue: SearchedQueue) throws -> Bool {
        try statement(Self.changedJobs).first(queue.id, 1) { _ in true } == true
    }

    /// Whether jobs of the queue are not indexed yet, or might stand behind many of others.
    func isBehind(_ queue: SearchedQueue) throws -> Bool {
        try statement(
            """
            SELECT count(*) >= ?3 OR coalesce(max(queue_id = ?2), 0)
            FROM (SELECT queue_id FROM stint_jobs WHERE id > ?1 ORDER BY id LIMIT ?3)
            """
        ).first(queue.indexedTo, queue.id, Self.rowsPerLook) { $0.int(0) != 0 } == true
    }

    /// Makes a step.
    ///
    /// - Returns: How many jobs were indexed, removed or passed over; 0: nothing is left to do.
    func index(_ budget: SearchBudget = SearchBudget()) throws -> Int {
        var (budget, count) = (budget, 0)
        let queues = try searchedQueues()
        if !queues.isEmpty, !queues.contains(where: \.isInUse) { return try dropAll() }
        for queue in queues where !budget.isSpent {
            if queue.isInUse {
                count += try indexChanges(queue, &budget)
                count += try indexNext(queue, &budget)
                count += try trim(queue.id, &budget)
            } else {
                count += try drop(queue, &budget)
            }
        }
        return count
    }

    // MARK: - Add

    /// The payload of a job of the queue ?2 that may be indexed.
    private static let payloadToIndex = """
        CASE WHEN queue_id = ?2 AND is_digest = 0 AND length(payload) <= \(SearchText.maximumBytes) THEN payload END
        """
    static let nextToIndex = """
        SELECT id, queue_id, \(payloadToIndex) FROM stint_jobs WHERE id > ?1 ORDER BY id LIMIT ?3
        """

    /// Indexes the jobs that follow the last one that was.
    private func indexNext(_ queue: SearchedQueue, _ budget: inout SearchBudget) throws -> Int {
        guard !budget.isSpent, budget.rows > 0 else { return 0 }
        var (jobs, bytes, rows, last): ([(id: Int64, text: SearchText?)], Int, Int64, Int64?) = ([], 0, 0, nil)
        _ = try statement(Self.nextToIndex).rows(queue.indexedTo, queue.id, budget.rows) { row -> Void? in
            guard jobs.count < budget.jobs, bytes < budget.bytes else { return nil }
            (rows, last) = (rows + 1, row.int(0))
            guard row.int(1) == queue.id else { return () }
            jobs.append((row.int(0), Self.text(row, at: 2)))
            bytes += row.byteCount(2)
            return ()
        }
        guard let last else { return 0 }
        for job in jobs { try index(job.id, in: queue.id, job.text, &budget) }
        budget.rows -= rows
        try statement("UPDATE stint_search_queues SET indexed_to = ?2 WHERE queue_id = ?1").execute(queue.id, last)
        return Int(rows)
    }

    /// Indexes again what has changed.
    private func indexChanges(_ queue: SearchedQueue, _ budget: inout SearchBudget) throws -> Int {
        let jobs = try statement(Self.changedJobs).rows(queue.id, Int64(budget.jobs)) { $0.int(0) }
        var count = 0
        for id in jobs where !budget.isSpent {
            let found = try statement("SELECT \(Self.payloadToIndex) FROM stint_jobs WHERE id = ?1 AND queue_id = ?2")
                .first(id, queue.id) { Self.text($0, at: 0) }
            if case .some(let text) = found {
                if id > queue.droppedTo, id <= queue.indexedTo { try index(id, in: queue.id, text, &budget) }
            } else {
                try removeText(of: id, in: queue.id, &budget)
            }
            try statement("DELETE FROM stint_search_changes WHERE queue_id = ?1 AND job_id = ?2").execute(queue.id, id)
            count += 1
        }
        return count
    }

    private static func text(_ row: Statement.Row, at column: Int32) -> SearchText? {
        guard !row.isNull(column) else { return nil }
        var text = SearchText()
        row.withBlob(column) { text.add($0.bindMemory(to: UInt8.self)) }
        return text
    }

    /// The reason why a job was buried, cancelled or did expire, and its latest error.
    private static let errorsOfJob = """
        SELECT reason FROM stint_buried WHERE job_id = ?1 UNION ALL SELECT reason FROM stint_cancelled WHERE job_id = ?1
        UNION ALL SELECT reason FROM stint_expired WHERE job_id = ?1
        UNION ALL SELECT reason FROM stint_deleted WHERE job_id = ?1 UNION ALL SELECT \(latestError("?1"))
        """

    /// - Parameter payload: `nil` if it is too long, or the job is a digest, whose events may be anything.
    private func index(_ job: Int64, in queue: Int64, _ payload: SearchText?, _ budget: inout SearchBudget) throws {
        try removeText(of: job, in: nil, &budget)
        var text = payload
        if text != nil {
            _ = try statement(Self.errorsOfJob).rows(job) { row in
                if !row.isNull(0) { row.withUTF8(0) { text?.add($0) } }
            }
        }
        let size = text.flatMap { $0.text.utf8.count <= SearchText.maximumBytes ? $0.text.utf8.count : nil }
        let insert = try statement("INSERT INTO stint_search_jobs (job_id, queue_id, bytes) VALUES (?1, ?2, ?3)")
        insert.bind(1, job)
        insert.bind(2, queue)
        insert.bind(3, size.map { Int64($0 + SearchText.overhead) })
        try insert.execute()
        budget.jobs -= 1
        guard let size, let text else { return }
        budget.bytes -= size
        let add = try statement("INSERT INTO stint_search (rowid, text) VALUES (?1, ?2)")
        add.bind(1, job)
        add.bind(2, text.text)
        try add.execute()
        try statement("UPDATE stint_search_queues SET jobs = jobs + 1, bytes = bytes + ?2 WHERE queue_id = ?1")
            .execute(queue, Int64(size + SearchText.overhead))
    }

    // MARK: - Remove

    /// - Parameter queue: Only if it is indexed for this queue; `nil`: for any.
    private func removeText(
        of job: Int64, in queue: Int64?, _ budget: inout SearchBudget
    ) throws {
        let row = try statement("SELECT queue_id, bytes FROM stint_search_jobs WHERE job_id = ?1").first(job) {
            (queue: $0.int(0), bytes: $0.optionalInt(1))
        }
        guard let row, queue == nil || queue == row.queue else { return }
        try statement("DELETE FROM stint_search_jobs WHERE job_id = ?1").execute(job)
        budget.jobs -= 1
        guard let bytes = row.bytes else { return }
        budget.bytes -= Int(clamping: bytes)
        try statement("DELETE FROM stint_search WHERE rowid = ?1").execute(job)
        try statement("UPDATE stint_search_queues SET jobs = jobs - 1, bytes = bytes - ?2 WHERE queue_id = ?1")
            .execute(row.queue, bytes)
    }

    private static let indexedJobs =
        "SELECT job_id FROM stint_search_jobs WHERE queue_id = ?1 ORDER BY job_id LIMIT ?2"

    /// Removes the oldest jobs while the queue's texts have more bytes than they may.
    private func trim(_ id: Int64, _ budget: inout SearchBudget) throws -> Int {
        var count = 0
        while !budget.isSpent, let queue = try searchedQueue(id), queue.bytes > queue.maximumBytes,
            let oldest = try statement(Self.indexedJobs).first(id, 1, read: { $0.int(0) })
        {
            try removeText(of: oldest, in: id, &budget)
            try statement("UPDATE stint_search_queues SET dropped_to = max(dropped_to, ?2) WHERE queue_id = ?1")
                .execute(id, oldest)
            count += 1
        }
        return count
    }

    /// Removes a queue that was switched off while others stay, a part in each step.
    private func drop(_ queue: SearchedQueue, _ budget: inout SearchBudget) throws -> Int {
        let jobs = try statement(Self.indexedJobs).rows(queue.id, Int64(budget.jobs)) { $0.int(0) }
        var count = 0
        for job in jobs where !budget.isSpent {
            try removeText(of: job, in: queue.id, &budget)
            count += 1
        }
        guard count == jobs.count, !budget.isSpent else { return count }
        let changes = try statement(Self.changedJobs).rows(queue.id, 1_000) { $0.int(0) }
        for job in changes {
            try statement("DELETE FROM stint_search_changes WHERE queue_id = ?1 AND job_id = ?2").execute(queue.id, job)
        }
        guard changes.count < 1_000 else { return count + changes.count }
        try statement("DELETE FROM stint_search_queues WHERE queue_id = ?1").execute(queue.id)
        // If it was switched on again, indexing starts from the beginning.
        if queue.isOn { try statement("INSERT INTO stint_search_queues (queue_id) VALUES (?1)").execute(queue.id) }
        return count + changes.count + 1
    }

    /// What is deleted when no queue is left, in this order: FTS5's own tables, without FTS5, which would look each text up
    /// and could not do so in a corrupt index.
    private static let partsOfAll = [
        "stint_search_content WHERE id IN (SELECT id FROM stint_search_content LIMIT 500)",
        "stint_search_data WHERE id IN (SELECT id FROM stint_search_data ORDER BY id DESC LIMIT 500)",
        "stint_search_idx WHERE (segid, term) IN (SELECT segid, term FROM stint_search_idx LIMIT 500)",
        "stint_search_jobs WHERE job_id IN (SELECT job_id FROM stint_search_jobs LIMIT 1000)",
        "stint_search_changes WHERE (queue_id, job_id) IN (SELECT queue_id, job_id FROM stint_search_changes LIMIT 1000)",
    ]

    /// Removes the whole index, a part in each step. Queues that are switched on meanwhile wait for its end.
    private func dropAll() throws -> Int {
        for part in Self.partsOfAll {
            let name = part.prefix { $0 != " " }
            let isThere = try statement("SELECT 1 FROM sqlite_schema WHERE name = '\(name)'").first { _ in true }
            guard isThere == true else { continue }
            let count = try statement("DELETE FROM \(part)").changes()
            if count > 0 { return count }
        }
        if try statement("SELECT 1 FROM sqlite_schema WHERE name = 'stint_search'").first(read: { _ in true }) == true {
            // FTS5 opens a table only with this record, which says here that it is empty.
            try statement("INSERT OR REPLACE INTO stint_search_data (id, block) VALUES (10, zeroblob(7))").execute()
            try statement("DROP TABLE stint_search").execute()
        }
        try statement("DELETE FROM stint_search_queues").execute()
        let count = try statement(
            "INSERT INTO stint_search_queues (queue_id) SELECT id FROM stint_queues WHERE search = 1"
        ).changes()
        if count > 0 { try statement(Self.createIndex).execute() }
        return 1
    }

    // MARK: - Jobs that are gone

    /// Indexed jobs behind this one that do not exist any more, or not in their queue.
    ///
    /// - Returns: They, and the last one that was looked at; `nil` at the end.
    func goneFromIndex(after job: Int64) throws -> (jobs: [Int64], last: Int64?) {
        var (gone, rows, last): ([Int64], Int64, Int64?) = ([], 0, nil)
        _ = try statement(
            """
            SELECT s.job_id, j.queue_id IS s.queue_id FROM stint_search_jobs s LEFT JOIN stint_jobs j ON j.id = s.job_id
            WHERE s.job_id > ?1 ORDER BY s.job_id LIMIT ?2
            """
        ).rows(job, 10_000) { row -> Void? in
            guard gone.count < SearchBudget().jobs else { return nil }
            (rows, last) = (rows + 1, row.int(0))
            if row.int(1) == 0 { gone.append(row.int(0)) }
            return ()
        }
        return (gone, gone.count < SearchBudget().jobs && rows < 10_000 ? nil : last)
    }

    /// Removes those that are still gone.
    ///
    /// - Returns: How many.
    func removeFromIndex(_ jobs: [Int64]) throws -> Int {
        var (budget, count) = (SearchBudget(), 0)
        for job in jobs {
            let isThere = try statement(
                "SELECT 1 FROM stint_search_jobs s JOIN stint_jobs j ON j.id = s.job_id AND j.queue_id = s.queue_id WHERE s.job_id = ?1"
            ).first(job) { _ in true }
            guard isThere == nil else { continue }
            try removeText(of: job, in: nil, &budget)
            count += 1
        }
        return count
    }
}
