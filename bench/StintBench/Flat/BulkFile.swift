import Foundation
import Stint
import StintCore
import StintPlatform

/// A database that a few statements fill, and not job by job, so that ten million jobs take seconds.
struct BulkFile {
    private let connection: SQLiteConnection
    private let queue: Int64

    /// - Parameter fill: Adds the rows; nothing is durable before this function returns, and all of it then.
    static func make(_ path: String, fill: (BulkFile) throws -> Void) async throws {
        try await makeEmpty(path)
        try build(path, fill)
        // Otherwise the kernel writes it back while something is measured.
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.synchronize()
        try file.close()
    }

    /// In a function of its own: the store closes its file when it is released.
    private static func makeEmpty(_ path: String) async throws {
        try await JobQueue(.sqlite(path)).resume(StintWorkload.queue)
    }

    private static func build(_ path: String, _ fill: (BulkFile) throws -> Void) throws {
        let connection = try SQLiteConnection(path, durability: .normal, busyTimeout: 5_000)
        // Without a journal: an unfinished file is thrown away.
        for setting in ["journal_mode = OFF", "synchronous = OFF", "cache_size = -262144"] {
            try connection.executeWhenFree("PRAGMA \(setting)")
        }
        let queue = try connection.integer("SELECT id FROM stint_queues WHERE name = '\(StintWorkload.queue)'")
        try connection.execute("BEGIN")
        let file = BulkFile(connection: connection, queue: queue)
        try fill(file)
        try file.count()
        try connection.execute("COMMIT")
        try connection.executeWhenFree("PRAGMA journal_mode = WAL")
    }

    func addReady(_ jobs: Int) throws {
        let first = try addJobs(jobs)
        try connection.execute(
            """
            INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect)
            SELECT queue_id, priority, id, 0, 0, 0 FROM stint_jobs WHERE id >= \(first)
            """)
    }

    /// Due between a day and twelve days from now, in no order.
    func addDelayed(_ jobs: Int) throws {
        let first = try addJobs(jobs)
        try connection.execute(
            """
            INSERT INTO stint_delayed (job_id, queue_id, run_at, attempts, crashes, suspect)
            SELECT id, queue_id, enqueued_at + 86400000 + id * 2654435761 % 1000000000, 0, 0, 0
            FROM stint_jobs WHERE id >= \(first)
            """)
    }

    func addBuried(_ jobs: Int) throws {
        let first = try addJobs(jobs)
        try connection.execute(
            """
            INSERT INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason)
            SELECT id, queue_id, enqueued_at, 1, 0, 'it was to be' FROM stint_jobs WHERE id >= \(first)
            """)
    }

    /// Queues with one job each.
    func addQueues(_ queues: Int) throws {
        try connection.execute(
            "INSERT INTO stint_queues (name) SELECT 'bench-' || n FROM \(Self.numbers(queues)) AS number")
        let first = try addJobs(queues, "(SELECT id FROM stint_queues WHERE name = 'bench-' || n)")
        try connection.execute(
            """
            INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect)
            SELECT queue_id, priority, id, 0, 0, 0 FROM stint_jobs WHERE id >= \(first)
            """)
    }

    /// The next id, and the next token.
    func moveIDs(past last: Int64) throws {
        for table in ["stint_jobs", "stint_leases"] {
            try connection.execute("DELETE FROM sqlite_sequence WHERE name = '\(table)'")
            try connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('\(table)', \(last))")
        }
    }

    /// - Returns: The id of the first; the others follow.
    private func addJobs(_ jobs: Int, _ queue: String? = nil) throws -> Int64 {
        let first =
            try connection.integer("SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'stint_jobs'")
        let payload = String(decoding: Backlog.payload, as: UTF8.self)
        try connection.execute(
            """
            INSERT INTO stint_jobs (queue_id, priority, max_attempts, max_crashes, enqueued_at, content_type, payload)
            SELECT \(queue ?? String(self.queue)), 1024, 10, 3, \(SystemClock().now().wall), '\(ContentType.text)',
                CAST('\(payload)' AS BLOB)
            FROM \(Self.numbers(jobs)) AS number
            """)
        return first
    }

    /// 1 to `count`, as `n`.
    private static func numbers(_ count: Int) -> String {
        "(WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < \(count)) SELECT n FROM n)"
    }

    /// Stint keeps its counts; here they are counted once.
    private func count() throws {
        try connection.execute(
            """
            CREATE TEMP TABLE total AS SELECT queue_id, count(*) AS jobs FROM stint_ready GROUP BY queue_id;
            CREATE UNIQUE INDEX temp.total_queue ON total (queue_id);
            UPDATE stint_queues SET
                ready = coalesce((SELECT jobs FROM total WHERE queue_id = id), 0),
                delayed = CASE id WHEN \(queue) THEN (SELECT count(*) FROM stint_delayed) ELSE 0 END,
                buried = CASE id WHEN \(queue) THEN (SELECT count(*) FROM stint_buried) ELSE 0 END;
            DROP TABLE total;
            """)
    }
}
