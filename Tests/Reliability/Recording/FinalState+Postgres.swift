import History
import StintPostgres

extension FinalState {
    /// Reads a database of a PostgreSQL server that no longer changes, without Stint: from the tables, and not from the
    /// counts.
    package init(of url: String) async throws {
        let connections = try PostgresConnections(url)
        let rows = try await connections.run(
            """
            SELECT j.id, convert_from(j.payload, 'UTF8'), q.name, j.max_attempts, j.max_crashes, u.key, j.is_digest,
                   array_remove(ARRAY[CASE WHEN r.job_id IS NOT NULL THEN 'ready' END,
                                      CASE WHEN d.job_id IS NOT NULL THEN 'delayed' END,
                                      CASE WHEN l.job_id IS NOT NULL THEN 'leased' END,
                                      CASE WHEN b.job_id IS NOT NULL THEN 'buried' END,
                                      CASE WHEN e.job_id IS NOT NULL THEN 'done' END,
                                      CASE WHEN c.job_id IS NOT NULL THEN 'cancelled' END,
                                      CASE WHEN x.job_id IS NOT NULL THEN 'expired' END], NULL) AS states,
                   coalesce(r.attempts, d.attempts, l.attempts, b.attempts, e.attempts, c.attempts, x.attempts, 0),
                   coalesce(r.crashes, d.crashes, l.crashes, b.crashes, e.crashes, c.crashes, x.crashes, 0), j.headers
            FROM stint.jobs j
            LEFT JOIN stint.queues q ON q.id = j.queue_id
            LEFT JOIN stint.ready r ON r.job_id = j.id
            LEFT JOIN stint.delayed d ON d.job_id = j.id
            LEFT JOIN (SELECT unnest(job_ids) AS job_id, unnest(attempts) AS attempts, unnest(crashes) AS crashes
                       FROM stint.leases) l ON l.job_id = j.id
            LEFT JOIN stint.buried b ON b.job_id = j.id
            LEFT JOIN stint.done e ON e.job_id = j.id
            LEFT JOIN stint.cancelled c ON c.job_id = j.id
            LEFT JOIN stint.expired x ON x.job_id = j.id
            LEFT JOIN stint.unique_keys u ON u.job_id = j.id
            ORDER BY j.id
            """)
        let later = try await connections.run(
            "SELECT job_id, convert_from(payload, 'UTF8') FROM stint.events ORDER BY id")
        var events: [Int64: [String]] = [:]
        for row in later { events[try row.int(0), default: []].append(try row.text(1)) }
        self.init(isDrained: true, jobs: [])
        for row in rows {
            let (id, reference) = (try row.int(0), try row.text(1))
            var job = FinalState.Job(
                id: id, reference: reference, queue: try row.optionalText(2) ?? "",
                states: try row.texts(7), attempts: Int(try row.int(8)),
                maxAttempts: Int(try row.int(3)), crashes: Int(try row.int(9)), maxCrashes: Int(try row.int(4)),
                uniqueKey: try row.optionalText(5),
                events: try row.bool(6) ? [reference] + events[id, default: []] : nil)
            job.origin = Self.origin(try row.optionalText(10))
            jobs.append(job)
        }
        for row in try await connections.run(
            """
            SELECT s.name, t.tick_at, t.job_id FROM stint.schedule_ticks t JOIN stint.schedules s ON s.id = t.schedule_id
            """)
        {
            ticks.append(Tick(schedule: try row.text(0), time: try row.int(1), job: try row.int(2)))
        }
        await connections.close()
    }
}
