import GRDB
import GRDBSQLite
import StintCore

/// What the full-text index says about a query: which jobs may match it.
struct SearchAnswer {
    /// What was found, and what must be looked at although the index has it: it is not in there, or not any more as it
    /// is.
    let found: Set<Int64>
    /// The index has all other jobs with ids from here on, but for this one,
    let droppedTo: Int64
    /// up to this one.
    let indexedTo: Int64
    /// All jobs that may match, if they are few.
    let few: [Int64]?

    func mayMatch(_ job: Int64) -> Bool { job > indexedTo || job <= droppedTo || found.contains(job) }
}

extension JobTransaction {
    /// If no more jobs may match, each is looked up; else the walk passes over those that do not.
    static let fewFound = 4_096
    /// If more are found, the index is of no use.
    static let mostFound = 200_000
    /// A job that the index excludes costs this part of one that is looked at.
    static let excludedPerRow = 24

    // MARK: - What a query finds

    /// - Returns: `nil` if the index cannot answer the query: it names a queue that is not indexed, or none, or has no
    ///   text of three characters; or the index is corrupt, which `stint doctor` says.
    func searchAnswer(_ query: JobQuery) throws -> SearchAnswer? {
        let longest = query.texts.max { $0.description.unicodeScalars.count < $1.description.unicodeScalars.count }
        guard query.ids == nil, let longest, let expression = SearchText.expression(for: longest),
            let queues = try searchedQueues(of: query)
        else { return nil }
        do {
            return try searchAnswer(expression, queues)
        } catch let error as DatabaseError where Self.isOfIndex(error) {
            return nil
        }
    }

    private func searchAnswer(_ expression: String, _ queues: [SearchedQueue]) throws -> SearchAnswer? {
        let match = try statement("SELECT rowid FROM stint_search WHERE stint_search MATCH ?1 LIMIT ?2")
        match.bind(1, expression)
        match.bind(2, Int64(Self.mostFound))
        var found = Set(try match.rows { $0.int(0) })
        guard found.count < Self.mostFound else { return nil }
        for queue in queues {
            for sql in [Self.unindexedJobs, Self.changedJobs] {
                found.formUnion(try statement(sql).rows(queue.id, Int64(Self.mostFound)) { $0.int(0) })
            }
        }
        guard found.count < Self.mostFound else { return nil }
        let droppedTo = queues.map(\.droppedTo).max()!
        let indexedTo = max(droppedTo, queues.map(\.indexedTo).min()!)
        var few: [Int64]?
        if found.count <= Self.fewFound {
            let limit = Int64(Self.fewFound)
            let others = try statement(
                "SELECT id FROM stint_jobs WHERE id > ?1 UNION ALL SELECT id FROM stint_jobs WHERE id <= ?2 LIMIT ?3"
            ).rows(indexedTo, droppedTo, limit) { $0.int(0) }
            if others.count < Self.fewFound { few = Array(found.union(others)) }
        }
        return SearchAnswer(found: found, droppedTo: droppedTo, indexedTo: indexedTo, few: few)
    }

    static let unindexedJobs =
        "SELECT job_id FROM stint_search_jobs WHERE queue_id = ?1 AND bytes IS NULL LIMIT ?2"
    static let changedJobs = "SELECT job_id FROM stint_search_changes WHERE queue_id = ?1 LIMIT ?2"

    /// The queues that a query names; `nil` if it names none, or one that is not indexed.
    private func searchedQueues(of query: JobQuery) throws -> [SearchedQueue]? {
        var queues: [SearchedQueue] = []
        for name in query.namedQueues ?? [] {
            guard let id = try knownQueueID(name) else { continue }
            guard let queue = try searchedQueue(id), queue.isInUse else { return nil }
            queues.append(queue)
        }
        return queues.isEmpty ? nil : queues
    }

    /// Errors that say that the index cannot be used: it is corrupt or missing, or this SQLite has no FTS5.
    static func isOfIndex(_ error: DatabaseError) -> Bool {
        [.SQLITE_CORRUPT, .SQLITE_ERROR].contains(error.resultCode.primaryResultCode)
    }

    // MARK: - What changes

    /// Notes that a job's errors, payload or queue have changed, if its queue is indexed.
    func noteSearch(_ job: Int64, in queue: Int64) throws {
        guard try isSearched(queue) else { return }
        try statement("INSERT OR IGNORE INTO stint_search_changes (queue_id, job_id) VALUES (?1, ?2)")
            .execute(queue, job)
    }

    private func isSearched(_ queue: Int64) throws -> Bool {
        if let known = knownSearched[queue] { return known }
        let isOn = try statement("SELECT search FROM stint_queues WHERE id = ?1").first(queue) { $0.int(0) != 0 }
        knownSearched[queue] = isOn ?? false
        return isOn ?? false
    }

    // MARK: - The setting

    func setSearch(_ isOn: Bool, of queue: Int64) throws {
        if isOn { try Self.checkSearch() }
        let changed = try statement("UPDATE stint_queues SET search = ?2 WHERE id = ?1 AND search <> ?2")
            .changes(queue, isOn ? 1 : 0)
        knownSearched[queue] = nil
        guard changed > 0 else { return }
        if isOn {
            try statement(Self.createIndex).execute()
            // What is left of an index that was switched off goes first.
            try statement(
                """
                INSERT OR IGNORE INTO stint_search_queues (queue_id, is_dropping)
                SELECT ?1, count(*) > 0 AND min(is_dropping) = 1 FROM stint_search_queues
                """
            ).execute(queue)
        } else {
            try statement("UPDATE stint_search_queues SET is_dropping = 1 WHERE queue_id = ?1").execute(queue)
        }
    }

    static let createIndex = """
        CREATE VIRTUAL TABLE IF NOT EXISTS stint_search
        USING fts5(text, tokenize = 'trigram case_sensitive 1', detail = 'none', columnsize = 0)
        """

    static var hasFTS5: Bool { sqlite3_compileoption_used("ENABLE_FTS5") != 0 }

    private static func checkSearch() throws {
        guard !hasFTS5 else { return }
        throw StintError.invalidInput(
            "free text cannot be indexed: this SQLite (\(String(cString: sqlite3_libversion()))) was built without FTS5; "
                + "use one that has it, or search without an index")
    }

    /// What is indexed of a queue; `nil`: it is not switched on.
    func search(of queue: Int64) throws -> QueueSearch? {
        guard let queue = try searchedQueue(queue), queue.isOn else { return nil }
        guard !queue.isDropping else { return QueueSearch(jobs: 0, bytes: 0, isBehind: true) }
        return QueueSearch(
            jobs: Int(clamping: queue.jobs), bytes: Int(clamping: queue.bytes),
            isBehind: try isBehind(queue) || hasChanges(queue))
    }
}

/// A row of `stint_search_queues`.
struct SearchedQueue {
    let id: Int64
    /// Whether the queue is switched on.
    let isOn: Bool
    let indexedTo: Int64
    let droppedTo: Int64
    let isDropping: Bool
    /// Whether it is switched on, and nothing is left of an earlier index.
    var isInUse: Bool { isOn && !isDropping }
    let jobs: Int64
    let bytes: Int64
    let maximumBytes: Int64

    static let select = """
        SELECT s.queue_id, coalesce(q.search, 0), s.indexed_to, s.dropped_to, s.is_dropping, s.jobs, s.bytes, s.max_bytes
        FROM stint_search_queues s LEFT JOIN stint_queues q ON q.id = s.queue_id
        """

    init(_ row: Statement.Row) {
        id = row.int(0)
        isOn = row.int(1) != 0
        indexedTo = row.int(2)
        droppedTo = row.int(3)
        isDropping = row.int(4) != 0
        jobs = row.int(5)
        bytes = row.int(6)
        maximumBytes = row.int(7)
    }
}
