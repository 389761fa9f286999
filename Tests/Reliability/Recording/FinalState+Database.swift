import Foundation
import GRDB
import History
import StintCore
import StintSQLite

extension FinalState {
    /// Reads a database that no longer changes, without Stint: from the tables, and not from the counts.
    package init(of path: String, isDrained: Bool) throws {
        let database = try DatabaseQueue(path: path, configuration: .waiting)
        self = try database.inDatabase { database in
            let events = try Self.laterEvents(database)
            var final = FinalState(
                isDrained: isDrained,
                jobs: try Row.fetchAll(
                    database,
                    sql: """
                        SELECT j.id, j.is_digest, j.headers, CAST(j.payload AS TEXT) AS reference, q.name AS queue, j.max_attempts, j.max_crashes,
                               u.key, coalesce(r.attempts, d.attempts, l.attempts, b.attempts, e.attempts, c.attempts, x.attempts,
                                        0) AS attempts,
                               coalesce(r.crashes, d.crashes, l.crashes, b.crashes, e.crashes, c.crashes, x.crashes, 0)
                                   AS crashes,
                               r.job_id IS NOT NULL AS ready, d.job_id IS NOT NULL AS delayed,
                               l.job_id IS NOT NULL AS leased, b.job_id IS NOT NULL AS buried,
                               e.job_id IS NOT NULL AS done, c.job_id IS NOT NULL AS cancelled,
                               x.job_id IS NOT NULL AS expired
                        FROM stint_jobs j
                        LEFT JOIN stint_queues q ON q.id = j.queue_id
                        LEFT JOIN stint_ready r ON r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id
                        LEFT JOIN stint_delayed d ON d.job_id = j.id
                        LEFT JOIN stint_leased l ON l.job_id = j.id
                        LEFT JOIN stint_buried b ON b.job_id = j.id
                        LEFT JOIN stint_done e ON e.job_id = j.id
                        LEFT JOIN stint_cancelled c ON c.job_id = j.id
                        LEFT JOIN stint_expired x ON x.job_id = j.id
                        LEFT JOIN stint_unique_keys u ON u.job_id = j.id
                        ORDER BY j.id
                        """
                ).map { row in
                    let reference: String = row["reference"] ?? ""
                    var job = FinalState.Job(
                        id: row["id"], reference: reference, queue: row["queue"] ?? "",
                        states: ["ready", "delayed", "leased", "buried", "done", "cancelled", "expired"].filter {
                            row[$0] == true
                        },
                        attempts: row["attempts"], maxAttempts: row["max_attempts"], crashes: row["crashes"],
                        maxCrashes: row["max_crashes"], uniqueKey: row["key"],
                        events: row["is_digest"] == true ? [reference] + events[row["id"], default: []] : nil)
                    job.origin = Self.origin(row["headers"])
                    return job
                })
            final.ticks = try Self.ticks(database)
            final.activities = try Self.activities(database)
            final.lastJob = try Int.fetchOne(
                database, sql: "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'stint_jobs'")
            return final
        }
    }

    /// The schedule that the headers of a job name.
    static func origin(_ headers: String?) -> Origin? {
        let named = Headers(readable: headers)
        guard let schedule = named[Headers.schedule] else { return nil }
        let tick = named[Headers.tick].flatMap { text in
            try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: text.contains(".")))
        }
        return Origin(schedule: schedule, tick: tick.map { Int64(($0.timeIntervalSince1970 * 1_000).rounded()) })
    }

    private static func ticks(_ database: Database) throws -> [Tick] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT s.name, t.tick_at, t.job_id FROM stint_schedule_ticks t
                JOIN stint_schedules s ON s.id = t.schedule_id
                """
        ).map { Tick(schedule: $0["name"], time: $0["tick_at"], job: $0["job_id"]) }
    }

    /// The view has the counts, and the times are in JSON.
    private static func activities(_ database: Database) throws -> [Activity] {
        func times(_ column: String, _ place: Int) -> String {
            """
            (SELECT coalesce(sum(t.value), 0) FROM json_each(coalesce(b.\(column), '[0]')) t WHERE t.key > 0)
            + (SELECT coalesce(sum(t.value), 0)
               FROM json_each(coalesce(nullif(json_extract(nullif(q.activity, ''), '$[\(place)]'), ''), '[0]')) t
               WHERE t.key > 0)
            """
        }
        return try Row.fetchAll(
            database,
            sql: """
                SELECT q.name, a.enqueued, a.started, a.done, a.failed + a.crashed + a.lost AS ends, a.cancelled, a.expired,
                       q.done AS keptDone, q.cancelled AS keptCancelled, q.expired AS keptExpired,
                       \(times("waits", 1)) AS waits, \(times("runs", 2)) AS runs
                FROM stint_queues q LEFT JOIN stint_activity a ON a.queue = q.name AND a.seconds = 0
                LEFT JOIN stint_buckets b ON b.queue_id = q.id AND b.seconds = 0
                """
        ).map { row in
            var activity = Activity(queue: row["name"])
            activity.enqueued = row["enqueued"] ?? 0
            activity.started = row["started"] ?? 0
            activity.done = row["done"] ?? 0
            activity.otherEnds = row["ends"] ?? 0
            activity.cancelled = row["cancelled"] ?? 0
            activity.expired = row["expired"] ?? 0
            activity.timesInQueue = row["waits"]
            activity.runTimes = row["runs"]
            activity.keptDone = row["keptDone"]
            activity.keptCancelled = row["keptCancelled"]
            activity.keptExpired = row["keptExpired"]
            return activity
        }
    }

    /// The events of digests after the first, by job.
    private static func laterEvents(_ database: Database) throws -> [Int64: [String]] {
        try Row.fetchAll(
            database, sql: "SELECT job_id, CAST(payload AS TEXT) AS reference FROM stint_events ORDER BY id"
        ).reduce(into: [:]) { events, row in events[row["job_id"], default: []].append(row["reference"] ?? "") }
    }
}
