import StintCore

/// What a sleeping worker, or a person, wants to know of waiting jobs.
extension JobTransaction {
    func nextReady(in names: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        let queues = try await queues(names).filter { !$0.isPaused }
        guard !queues.isEmpty else { return .unknown }
        var next: Timestamp?
        for queue in queues {
            switch try await nextStart(of: queue, passingOverSuspects) {
            case .now: return .now
            case .at(let time): next = min(next ?? .max, time)
            case .unknown: break
            }
        }
        let delayed = try await run(
            """
            SELECT d.run_at FROM unnest($1::integer[]) AS q (id) CROSS JOIN LATERAL (
                SELECT run_at FROM stint.delayed WHERE queue_id = q.id ORDER BY run_at LIMIT 1) d
            """, .int32s(queues.map { Int32(clamping: $0.id) })
        ).map { try $0.int(0) }.min()
        if let delayed { next = min(next ?? .max, delayed) }
        return (next.map(NextRun.at) ?? .unknown).answer(at: now.wall)
    }

    /// When a claim may find a job that is ready already. One below the watermarks is found when the whole line is looked at.
    private func nextStart(of queue: ClaimableQueue, _ passesOverSuspects: Bool) async throws -> NextRun {
        func wall(_ steady: Int64) -> Timestamp { now.wall + max(0, steady - now.steady) }
        var next: Timestamp?
        if queue.limits.groupRate != nil, queue.hasGroups {
            let time = try await run(
                "SELECT resume_at FROM stint.groups WHERE queue_id = $1 AND resume_at IS NOT NULL ORDER BY resume_at LIMIT 1",
                .int(queue.id)
            ).first?.int(0)
            next = time.map(wall)
        }
        let isDue = next.map { $0 <= now.wall } ?? false
        let look = store.watermarks.look(at: queue.id, isClaim: false)
        if !isDue, try await !isAnyReady(in: queue, passesOverSuspects, look) {
            if !look.isWhole {
                let whole = now.wall + store.watermarks.untilWholeLook(at: queue.id).milliseconds
                next = min(next ?? .max, whole)
            }
            return next.map(NextRun.at) ?? .unknown
        }
        // The end of one of its jobs will wake the workers.
        if let concurrency = queue.limits.concurrency, try await running(in: queue.id) >= concurrency {
            return .unknown
        }
        if let rate = queue.limits.rate,
            let wait = untilNextStart(rate, try await starts(of: [0], rate, in: queue.id)[0])
        {
            return .at(now.wall + wait.milliseconds)
        }
        return .now
    }

    /// How long a statement has taken until a row of its result.
    private static let microseconds =
        "(extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000)::bigint"

    private func isAnyReady(
        in queue: ClaimableQueue, _ passesOverSuspects: Bool, _ look: Watermarks.Look
    ) async throws -> Bool {
        let ungrouped = try await run([
            PostgresStatement(
                """
                SELECT EXISTS (
                    SELECT 1 FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS w (priority, after, until)
                    JOIN stint.ready r ON r.queue_id = $1 AND r.group_id IS NULL
                        AND (r.priority, r.job_id) > (w.priority, w.after) AND r.priority < w.until
                    WHERE NOT (r.suspect AND $2)
                ), \(Self.microseconds), (SELECT count(*) FROM stint.workers)
                """, [.int(queue.id), .bool(passesOverSuspects)] + look.parameters)
        ])[0][0]
        if try ungrouped.bool(0) { return true }
        store.watermarks.hasFoundNothing(
            look, at: queue.id,
            Watermarks.Cost(microseconds: try ungrouped.int(1), workers: try ungrouped.int(2)))
        guard queue.hasGroups else { return false }
        let blocked = blockedGroups(try await load(of: queue), queue.limits)
        // In a strict order nothing of a group goes ahead of its suspect.
        let inGroup = try await run(
            """
            SELECT 1 FROM stint.groups g WHERE g.queue_id = $1 AND g.is_in_line AND g.resume_at IS NULL AND g.id <> ALL ($2)
                AND EXISTS (SELECT 1 FROM stint.ready r WHERE r.group_id = g.id AND NOT (r.suspect AND $3))
                AND NOT ($4 AND EXISTS (SELECT 1 FROM stint.ready r WHERE r.group_id = g.id AND r.suspect))
            LIMIT 1
            """, .int(queue.id), .ints(blocked.sorted()), .bool(passesOverSuspects),
            .bool(passesOverSuspects && queue.limits.isStrict))
        return !inGroup.isEmpty
    }

    // MARK: - One job

    func isClaimable(_ job: JobID) async throws -> Bool {
        let found = try await run(
            "SELECT 1 FROM stint.job j JOIN stint.queues q ON q.id = j.queue_id WHERE j.id = $1 AND j.state = 'ready' AND NOT q.paused",
            .int(job.rawValue))
        return !found.isEmpty
    }

    /// Why a ready or delayed job is not running; `nil` for other jobs. A delayed job whose time has come counts as
    /// ready, since claims take it.
    func waitReason(of id: JobID) async throws -> WaitReason? {
        let found = try await run(
            """
            SELECT queue_id, run_at, group_id, coalesce("group", '') FROM stint.job
            WHERE id = $1 AND state IN ('ready', 'delayed')
            """, .int(id.rawValue)
        ).first
        guard let found, let queue = try await queue(try found.int(0)) else { return nil }
        if let runAt = try found.optionalInt(1), runAt > now.wall { return .delayed }
        if queue.isPaused { return .paused }
        if let group = try found.optionalInt(2),
            let reason = try await waitReason(ofGroup: group, named: try found.text(3), in: queue)
        {
            return reason
        }
        if let concurrency = queue.limits.concurrency {
            let running = try await running(in: queue.id)
            if running >= concurrency { return .queueFull(running: running, limit: concurrency) }
        }
        if let rate = queue.limits.rate,
            let wait = untilNextStart(rate, try await starts(of: [0], rate, in: queue.id)[0])
        {
            return .rate(group: nil, nextStart: wait)
        }
        return .turn
    }

    /// Which limit of groups allows none of its jobs a start now, if any.
    func waitReason(
        ofGroup group: Int64, named name: String, in queue: ClaimableQueue, _ known: GroupLoad? = nil
    ) async throws -> WaitReason? {
        guard !name.isEmpty else { return nil }
        let limits = queue.limits
        if let concurrency = limits.groupConcurrency {
            var load = known ?? GroupLoad()
            if known == nil { load = try await self.load(of: queue) }
            let running = load.running[group, default: 0]
            if running >= concurrency { return .groupFull(group: name, running: running, limit: concurrency) }
            if let job = load.waitsFor[group] { return .groupWaits(group: name, for: JobID(rawValue: job)) }
        }
        guard let rate = limits.groupRate else { return nil }
        return untilNextStart(rate, try await starts(of: [group], rate, in: queue.id)[group])
            .map { .rate(group: name, nextStart: $0) }
    }
}
