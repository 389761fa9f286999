import StintCore

extension PostgresStore {
    /// Reads all of Stint's tables once.
    public func examineTables() async throws -> [Finding] {
        try await read { transaction in
            [try await transaction.stateFinding(), try await transaction.countFinding()]
        }
    }

    /// Checks the server, its settings, what holds up its clean-up, LISTEN, the schedules and the webhooks: what takes a
    /// moment, however many jobs there are.
    public func examineSurroundings() async throws -> [Finding] {
        let workers = try await workers()
        let hasWorker = workers.contains { $0.liveness == .alive }
        let findings = try await read { transaction in
            var findings = try await transaction.serverFindings()
            findings += try await transaction.cleanUpFindings()
            findings += Finding.schedules(
                try await transaction.schedules(), at: transaction.now.wall, hasWorker: hasWorker)
            findings += try await transaction.webhookFindings()
            findings += try await transaction.moveFindings()
            return findings + Finding.writers(workers)
        }
        return findings + [await listenFinding()]
    }

    /// How long a notification may take before it counts as lost.
    private static let listenPatience: Duration = .seconds(10)

    /// Sends a notification to itself.
    private func listenFinding() async -> Finding {
        let channel = "stint_doctor_\(UInt64.random(in: .min ... .max))"
        let notifications = connections.notifications(channel)
        let hasArrived = await withTaskGroup(of: Bool.self) { group in
            group.addTask { [connections] in
                for await text in notifications {
                    if !text.isEmpty { return true }
                    // Listening has begun.
                    _ = try? await connections.run("SELECT pg_notify($1, 'doctor')", .text(channel))
                }
                return false
            }
            group.addTask {
                try? await Task.sleep(for: Self.listenPatience)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        return Finding(
            subject: "LISTEN", isGood: hasArrived,
            description: hasArrived
                ? "notifications arrive; workers wake within milliseconds"
                : "no notification has arrived within \(Self.listenPatience.components.seconds) s, so workers find jobs late: a pooler in "
                    + "transaction mode sends none; give the server's own address in STINT_POSTGRES_LISTEN")
    }
}

extension JobTransaction {
    /// Every job must be in exactly one state, and each row of a state must have its job.
    func stateFinding() async throws -> Finding {
        let rows = try await run(
            """
            WITH state AS MATERIALIZED (
                SELECT job_id, queue_id, priority FROM stint.ready
                UNION ALL SELECT job_id, queue_id, NULL FROM stint.delayed
                UNION ALL SELECT job_id, queue_id, NULL FROM stint.leased
                UNION ALL SELECT job_id, queue_id, NULL FROM stint.buried
                UNION ALL SELECT job_id, queue_id, NULL FROM stint.done
                UNION ALL SELECT job_id, queue_id, NULL FROM stint.cancelled
                UNION ALL SELECT job_id, queue_id, NULL FROM stint.expired
                UNION ALL SELECT job_id, NULL, NULL FROM stint.deleted
            ), states AS (SELECT job_id, count(*) AS states FROM state GROUP BY job_id)
            SELECT j.id, CASE WHEN s.states IS NULL THEN 'in no state' ELSE 'in ' || s.states || ' states' END
            FROM stint.jobs j LEFT JOIN states s ON s.job_id = j.id WHERE s.states IS DISTINCT FROM 1
            UNION ALL
            SELECT s.job_id, 'without the job itself'
            FROM states s LEFT JOIN stint.jobs j ON j.id = s.job_id WHERE j.id IS NULL
            UNION ALL
            SELECT s.job_id, 'with two queues or priorities' FROM state s JOIN stint.jobs j ON j.id = s.job_id
            WHERE s.queue_id <> j.queue_id OR s.priority <> j.priority
            LIMIT \(Finding.namedStrays + 1)
            """)
        return Finding.states(try rows.map { "\(try $0.int(0)) (\(try $0.text(1)))" }, remedy: "restore a backup")
    }

    /// Compares the kept counts with the tables.
    func countFinding() async throws -> Finding {
        let rows = try await run(
            """
            SELECT q.name, t.ready, t.delayed, t.leased, t.buried, coalesce(r.jobs, 0), coalesce(d.jobs, 0),
                   coalesce(l.jobs, 0), coalesce(b.jobs, 0)
            FROM stint.queues q
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(ready), 0)::bigint AS ready, coalesce(sum(delayed), 0)::bigint AS delayed,
                       coalesce(sum(leased), 0)::bigint AS leased, coalesce(sum(buried), 0)::bigint AS buried
                FROM stint.tallies WHERE queue_id = q.id) t
            LEFT JOIN (SELECT queue_id, count(*) AS jobs FROM stint.ready GROUP BY 1) r ON r.queue_id = q.id
            LEFT JOIN (SELECT queue_id, count(*) AS jobs FROM stint.delayed GROUP BY 1) d ON d.queue_id = q.id
            LEFT JOIN (SELECT queue_id, sum(cardinality(job_ids))::bigint AS jobs FROM stint.leases GROUP BY 1) l
                ON l.queue_id = q.id
            LEFT JOIN (SELECT queue_id, count(*) AS jobs FROM stint.buried GROUP BY 1) b ON b.queue_id = q.id
            ORDER BY q.name
            """)
        var wrong: [String] = []
        for row in rows {
            for (place, state) in ["ready", "delayed", "leased", "buried"].enumerated() {
                let (kept, found) = (try row.int(1 + place), try row.int(5 + place))
                if kept != found {
                    wrong.append("\(quoted(try row.text(0))) has \(found) \(state) jobs and counts \(kept)")
                }
            }
        }
        return Finding(
            subject: "counts", isGood: wrong.isEmpty,
            description: wrong.isEmpty
                ? "\(rows.count) \(rows.count == 1 ? "queue has" : "queues have") as many jobs as they count"
                : "another program changed the tables: \(wrong.prefix(5).joined(separator: ", "))")
    }

    /// What is wrong with the webhooks; nothing if there are none.
    func webhookFindings() async throws -> [Finding] {
        let webhooks = try await webhooks()
        if webhooks.isEmpty { return [] }
        guard let queue = try await knownQueueID(Webhook.queue) else {
            return Finding.webhooks(webhooks, messages: [:], oldestReady: nil, isPaused: false)
        }
        let rows = try await run(
            """
            SELECT name, (SELECT count(*) FROM stint.buried WHERE group_id = g.id),
                   (SELECT count(*) FROM stint.delayed WHERE group_id = g.id AND attempts >= $2)
            FROM stint.groups g WHERE queue_id = $1
            """, .int32(Int32(clamping: queue)), .int(Finding.manyWebhookAttempts))
        let messages = try rows.map { (try $0.text(0), (buried: try $0.int(1), failing: try $0.int(2))) }
        let isPaused = try await run("SELECT paused FROM stint.queues WHERE id = $1", .int32(Int32(clamping: queue)))
            .first?.bool(0)
        return Finding.webhooks(
            webhooks, messages: Dictionary(messages) { $1 }, oldestReady: try await oldestReady(in: [queue])[queue],
            isPaused: isPaused == true)
    }
}
