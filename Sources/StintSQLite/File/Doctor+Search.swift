import GRDB
import GRDBSQLite
import StintCore

extension JobTransaction {
    /// An index that is further behind is reported.
    private static let farBehind: Int64 = 10_000
    /// How many indexed jobs of a queue are looked up in the index: the oldest and the latest.
    private static let samples = 50

    /// What a person should know about the full-text index; nothing if no queue has it.
    func searchFindings() throws -> [Finding] {
        let queues = try statement(
            "SELECT coalesce(q.name, ''), s.queue_id FROM stint_search_queues s LEFT JOIN stint_queues q ON q.id = s.queue_id"
        ).rows { (name: $0.text(0), id: $0.int(1)) }
        guard !queues.isEmpty else { return [] }
        guard Self.hasFTS5 else {
            return [
                finding(
                    false,
                    "this SQLite (\(String(cString: sqlite3_libversion()))) was built without FTS5, so that the index is "
                        + "neither read nor built: use one that has it; queries are slower and find the same")
            ]
        }
        return try queues.compactMap { name, id in
            guard let queue = try searchedQueue(id), queue.isInUse else { return nil }
            return try finding(of: queue, name)
        }
    }

    private func finding(of queue: SearchedQueue, _ name: String) throws -> Finding {
        do {
            if let job = try missing(from: queue) {
                return corrupt(name, "job \(job) is not in it")
            }
        } catch let error as DatabaseError where Self.isOfIndex(error) {
            return corrupt(name, error.message ?? "it cannot be read")
        }
        let behind =
            try statement("SELECT count(*) FROM stint_jobs WHERE id > ?1 AND queue_id = ?2")
            .first(queue.indexedTo, queue.id) { $0.int(0) } ?? 0
        let changes =
            try statement("SELECT count(*) FROM stint_search_changes WHERE queue_id = ?1").first(queue.id) { $0.int(0) }
            ?? 0
        guard behind + changes < Self.farBehind else {
            return finding(
                false,
                "\(behind + changes) jobs of \(quoted(name)) are not in the index of free text yet: it is built by workers, "
                    + "`stint serve` and `stint reap`; queries read these jobs meanwhile")
        }
        return finding(true, "\(queue.jobs) jobs of \(quoted(name)) are in the index of free text")
    }

    private func finding(_ isGood: Bool, _ description: String) -> Finding {
        Finding(subject: "search", isGood: isGood, description: description)
    }

    private func corrupt(_ name: String, _ why: String) -> Finding {
        finding(
            false,
            "the index of free text is corrupt (\(quoted(name)): \(why)), and queries may miss jobs: switch it off for all "
                + "queues with `stint queue set QUEUE --search off`, run `stint reap`, and switch it on again; no job is lost"
        )
    }

    /// An indexed job whose text the index does not find.
    private func missing(from queue: SearchedQueue) throws -> Int64? {
        for order in ["", "DESC"] {
            let jobs = try statement(
                """
                SELECT s.job_id, f.text FROM stint_search_jobs s LEFT JOIN stint_search f ON f.rowid = s.job_id
                WHERE s.queue_id = ?1 AND s.bytes IS NOT NULL ORDER BY s.job_id \(order) LIMIT ?2
                """
            ).rows(queue.id, Int64(Self.samples)) { (id: $0.int(0), text: $0.optionalText(1)) }
            for job in jobs {
                guard let text = job.text else { return job.id }
                guard let expression = SearchText.expression(for: QueryText(String(text.prefix(64)))) else { continue }
                let match = try statement("SELECT 1 FROM stint_search WHERE stint_search MATCH ?1 AND rowid = ?2")
                match.bind(1, expression)
                match.bind(2, job.id)
                guard try match.first(read: { _ in true }) == true else { return job.id }
            }
        }
        return nil
    }
}
