import StintCore

/// The workers themselves; what happens to their jobs is in JobTransaction+Reclaim.swift.
extension JobTransaction {
    func register(_ worker: WorkerRegistration, as id: WorkerID?, scoreboard: String?) async throws -> WorkerID {
        let row = try await run(
            """
            INSERT INTO stint.workers (id, registered_at, seen, concurrency, name, process, process_name, supervisor,
                                       supervisor_name, supervisor_sign, queues, scoreboard, writes_through_supervisor)
            OVERRIDING SYSTEM VALUE
            VALUES (coalesce($1, nextval('stint.workers_id_seq')), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                    $13)
            ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, scoreboard = excluded.scoreboard
            RETURNING id
            """, .int(id?.rawValue), .int(now.wall), .int(now.steady), .int32(Int32(clamping: worker.concurrency)),
            .text(worker.name.storable), .text(worker.process.id.storable), .text(worker.process.name.storable),
            .text(worker.supervisor?.id.storable), .text(worker.supervisor?.name.storable),
            .text(worker.supervisorSign?.storable),
            .text(worker.queues.map(\.description).joined(separator: " ")), .text(scoreboard),
            .bool(worker.writesThroughSupervisor)
        ).first
        guard let row else { throw StintError(.databaseUnusable, "a worker was not registered: see stint.workers") }
        return WorkerID(rawValue: try row.int(0))
    }

    /// - Returns: The names of their scoreboards.
    func forget(_ workers: [WorkerID]) async throws -> [String] {
        try await run(
            "DELETE FROM stint.workers WHERE id = ANY ($1) RETURNING scoreboard", .ints(workers.map(\.rawValue))
        ).compactMap { try $0.optionalText(0) }
    }

    // MARK: - Claims and the end of their worker

    /// A claim locks the row of its worker, so that a reclaim of the worker comes either before the claim, which then takes
    /// nothing, or after its commit, and finds its lease.
    ///
    /// - Returns: Whether the worker is registered. One without a registration needs no row.
    func lockWorker(_ id: WorkerID?) async throws -> Bool {
        guard let id else { return true }
        return try await !run("SELECT 1 FROM stint.workers WHERE id = $1 FOR KEY SHARE", .int(id.rawValue)).isEmpty
    }

    /// Before a reclaim: waits for the claims of the workers, and for those of all workers of their processes. The locks of
    /// queues come first, as everywhere.
    func lockForReclaim(_ workers: [WorkerID]) async throws {
        let ids = PostgresValue.ints(workers.map(\.rawValue))
        let sameProcesses = """
            SELECT id FROM stint.workers
            WHERE id = ANY ($1) OR process IN (SELECT process FROM stint.workers WHERE id = ANY ($1))
            """
        let queues = try await run(
            """
            SELECT DISTINCT queue_id FROM stint.leases
            WHERE worker_id = ANY (ARRAY(\(sameProcesses))) AND group_ids IS NOT NULL
            """, ids)
        try await lock(try queues.map { try $0.int(0) }, exclusively: false)
        try await run("\(sameProcesses) ORDER BY id FOR UPDATE", ids)
    }

    /// All workers, with what is known of those of this machine.
    func workerRecords() async throws -> [WorkerRecord] {
        try await run(
            """
            SELECT id, registered_at, concurrency, name, process, process_name, supervisor, supervisor_name, supervisor_sign,
                   queues, command, scoreboard, writes_through_supervisor
            FROM stint.workers ORDER BY id
            """
        ).map { row in
            let supervisor = try row.optionalText(6).map { id in
                WorkerProcess(name: try row.optionalText(7) ?? "", id: id)
            }
            let registration = WorkerRegistration(
                name: try row.text(3), process: WorkerProcess(name: try row.text(5), id: try row.text(4)),
                supervisor: supervisor, supervisorSign: try row.optionalText(8),
                // Splits by code points: a space and an accent that begins the next name are one character.
                queues: try row.text(9).unicodeScalars.split(separator: " ").map { QueueName(stored: String($0)) },
                concurrency: Int(clamping: try row.int(2)), writesThroughSupervisor: try row.bool(12))
            return store.scoreboards.record(
                WorkerID(rawValue: try row.int(0)), registration, registeredAt: try row.int(1),
                scoreboard: try row.optionalText(11), order: try row.optionalText(10).flatMap(WorkerOrder.init))
        }
    }

    // MARK: - Registrations that are not renewed

    /// $1: those that were last renewed until then, and hold no lease.
    private static let unseen = """
        SELECT id FROM stint.workers w
        WHERE seen <= $1 AND NOT EXISTS (SELECT 1 FROM stint.leases WHERE worker_id = w.id)
        """

    private var longAgo: PostgresValue { .int(now.steady - WorkerRegistration.lifetime.milliseconds) }

    func hasUnseenWorkers() async throws -> Bool { try await !run(Self.unseen + " LIMIT 1", longAgo).isEmpty }

    /// But for those that provably live.
    func forgetUnseenWorkers() async throws {
        guard try await hasUnseenWorkers() else { return }
        let living = try await workerRecords().filter { $0.liveness == .alive }.map(\.id.rawValue)
        try await run(
            "DELETE FROM stint.workers WHERE id IN (\(Self.unseen)) AND id <> ALL ($2)", longAgo, .ints(living))
    }

    // MARK: - What a worker holds

    func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try await run([
            PostgresStatement(
                """
                SELECT h.job_id, h.token, q.name,
                       q.paused OR coalesce(q.concurrency, q.rate_ms, q.group_concurrency, q.group_rate_ms) IS NOT NULL
                FROM stint.leased h JOIN stint.queues q ON q.id = h.queue_id
                WHERE h.worker_id = $1 ORDER BY h.job_id
                """, [.int(worker.rawValue)]),
            // The commit of a transaction that has written something to the log waits for the standby. An id alone is not
            // enough.
            PostgresStatement("SELECT pg_logical_emit_message(true, 'stint', '')::text"),
        ])[0].map { row in
            HeldJob(
                lease: Lease(
                    job: JobID(rawValue: try row.int(0)), token: FencingToken(rawValue: try row.int(1))),
                queue: QueueName(stored: try row.text(2)), isPaused: try row.bool(3))
        }
    }

    // MARK: - Orders

    func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        let row = try await run(
            "SELECT supervisor IS NOT NULL FROM stint.workers WHERE id = $1 FOR UPDATE", .int(worker.rawValue)
        ).first
        guard let row else { throw StintError.noWorker(worker) }
        try order?.check(worker, hasSupervisor: try row.bool(0))
        try await run(
            "UPDATE stint.workers SET command = $2 WHERE id = $1", .int(worker.rawValue), .text(order?.rawValue))
        // By which the worker is told.
        change.revokes = true
    }

    func order(of worker: WorkerID) async throws -> WorkerOrder? {
        try await run("SELECT command FROM stint.workers WHERE id = $1", .int(worker.rawValue))
            .first?.optionalText(0).flatMap(WorkerOrder.init)
    }

    // MARK: - Restarts

    /// The previous request is deleted: a supervisor that has not seen it yet sees this one.
    func requestRestart() async throws {
        _ = try await run([
            PostgresStatement("DELETE FROM stint.restarts"),
            PostgresStatement("INSERT INTO stint.restarts (requested_at) VALUES ($1)", [.int(now.wall)]),
        ])
    }

    func latestRestartRequest() async throws -> Int64 {
        try await run("SELECT coalesce(max(id), 0) FROM stint.restarts").first?.int(0) ?? 0
    }
}
