import StintCore

/// What people ask about queues, groups and waiting jobs.
extension JobTransaction {
    func queue(_ name: QueueName) throws -> QueueDetails? {
        guard let stats = try stats().first(where: { $0.name == name }), let queue = try anyQueue(name) else {
            return nil
        }
        let retention = try statement("SELECT retention_ms FROM stint_queues WHERE id = ?1").first(queue.id) {
            $0.int(0)
        }
        let groups = try statement("SELECT count(*) FROM stint_groups WHERE queue_id = ?1 AND name <> ''")
            .first(queue.id) { $0.int(0) }
        var started = 0
        var nextStart: Duration?
        if let rate = queue.limits.rate {
            started = try startsInWindow(rate, queue: queue.id, group: 0)
            nextStart = started >= rate.starts ? try untilNextStart(rate, queue: queue.id, group: 0) : nil
        }
        return QueueDetails(
            stats: stats, retention: .milliseconds(retention ?? 0), startsInWindow: started, nextStart: nextStart,
            groups: Int(clamping: groups ?? 0), search: try search(of: queue.id))
    }

    /// Whether or not it is paused.
    private func anyQueue(_ name: QueueName) throws -> ClaimableQueue? {
        let select = try statement("SELECT \(ClaimableQueue.columns) FROM stint_queues WHERE name = ?1")
        select.bind(1, name.description)
        return try select.first { ClaimableQueue(name, $0) }
    }

    private func untilNextStart(_ rate: Rate, queue: Int64, group: Int64) throws -> Duration {
        .milliseconds(max(0, try nextStart(rate, queue: queue, group: group) - now.monotonic))
    }

    /// The groups of a queue, those first that have something to do.
    func groups(of name: QueueName, limit: Int) throws -> [GroupStats] {
        guard let queue = try anyQueue(name) else { return [] }
        let rows = try groupsByName(of: queue.id, limit: limit)
        let running = Dictionary(
            uniqueKeysWithValues: try statement(
                "SELECT group_id, count(*) FROM (\(Self.leasedGroups)) GROUP BY group_id"
            ).rows { ($0.int(0), $0.int(1)) })
        return try rows.map { row in
            let ready = try statement(HotSQL.readyOfGroup)
                .first(queue.id, row.id) { $0.int(0) }
            return GroupStats(
                name: row.name.isEmpty ? nil : row.name, weight: Int(clamping: row.weight),
                ready: Int(clamping: ready ?? 0), running: Int(clamping: running[row.id] ?? 0),
                waitReason: try waitReason(ofGroup: row.id, named: row.name, in: queue))
        }
    }

    /// The most groups with ready jobs that are looked up one by one.
    private static let fewGroups: Int64 = 2_000
    /// The groups with ready jobs, in all queues: one look into an index for each.
    private static let groupsWithReady = """
        WITH RECURSIVE busy (id) AS (
            SELECT min(group_id) FROM stint_ready WHERE group_id IS NOT NULL
            UNION ALL
            SELECT (SELECT min(group_id) FROM stint_ready WHERE group_id > busy.id) FROM busy WHERE id IS NOT NULL
        )
        SELECT id FROM busy WHERE id IS NOT NULL
        """

    /// Those first that have something to do, each part by name. Neither very many busy groups nor very many idle ones
    /// make it slow: of few busy ones all are looked up, and of many the first are found soon.
    private func groupsByName(of queue: Int64, limit: Int) throws -> [(id: Int64, name: String, weight: Int64)] {
        let found = try statement("SELECT count(*) FROM (\(Self.groupsWithReady) LIMIT ?1)")
            .first(Self.fewGroups) { $0.int(0) }
        let isBusy =
            found ?? 0 < Self.fewGroups
            ? "id IN (\(Self.groupsWithReady) UNION SELECT group_id FROM (\(Self.leasedGroups)))"
            : "(EXISTS (SELECT 1 FROM stint_ready r WHERE r.group_id = g.id) OR id IN (\(Self.leasedGroups)))"
        func part(_ condition: String, _ limit: Int) throws -> [(id: Int64, name: String, weight: Int64)] {
            try statement(
                "SELECT id, name, weight FROM stint_groups g WHERE queue_id = ?1 AND \(condition) ORDER BY name LIMIT ?2"
            ).rows(queue, Int64(max(0, limit))) { (id: $0.int(0), name: $0.text(1), weight: $0.int(2)) }
        }
        let busy = try part(isBusy, limit)
        return busy.count < limit ? busy + (try part("NOT \(isBusy)", limit - busy.count)) : busy
    }

    func setWeight(_ weight: Int, ofGroup group: String, in name: QueueName) throws {
        let queue = try queueID(name)
        try statement("UPDATE stint_groups SET weight = ?2 WHERE id = ?1")
            .execute(try groupID(group, in: queue), Int64(weight))
    }

    /// Why a ready or delayed job is not running; `nil` for other jobs. A delayed job whose time has come counts as
    /// ready, since claims take it.
    func waitReason(of id: JobID) throws -> WaitReason? {
        let found = try statement(
            """
            SELECT q.name, q.paused, s.group_id, coalesce(g.name, ''), s.run_at
            FROM stint_jobs j JOIN stint_queues q ON q.id = j.queue_id
            JOIN (
                SELECT job_id, group_id, run_at FROM stint_delayed WHERE job_id = ?1
                UNION ALL
                SELECT r.job_id, r.group_id, NULL FROM stint_jobs i JOIN stint_ready r
                    ON r.queue_id = i.queue_id AND r.priority = i.priority AND r.job_id = i.id WHERE i.id = ?1
            ) s ON s.job_id = j.id
            LEFT JOIN stint_groups g ON g.id = s.group_id WHERE j.id = ?1
            """
        ).first(id.rawValue) {
            (
                queue: $0.text(0), isPaused: $0.int(1) != 0, group: $0.optionalInt(2), name: $0.text(3),
                runAt: $0.optionalInt(4)
            )
        }
        guard let found else { return nil }
        if let runAt = found.runAt, runAt > now.wall { return .delayed }
        if found.isPaused { return .paused }
        guard let queue = try anyQueue(QueueName(stored: found.queue)) else { return .turn }
        if let group = found.group, let reason = try waitReason(ofGroup: group, named: found.name, in: queue) {
            return reason
        }
        if let concurrency = queue.limits.concurrency, queue.leased >= concurrency {
            return .queueFull(running: Int(clamping: queue.leased), limit: concurrency)
        }
        if let rate = queue.limits.rate, try startsInWindow(rate, queue: queue.id, group: 0) >= rate.starts {
            return .rate(group: nil, nextStart: try untilNextStart(rate, queue: queue.id, group: 0))
        }
        return .turn
    }

    /// Which limit of groups allows none of its jobs a start now, if any.
    private func waitReason(ofGroup group: Int64, named name: String, in queue: ClaimableQueue) throws -> WaitReason? {
        guard !name.isEmpty else { return nil }
        let limits = queue.limits
        if let concurrency = limits.groupConcurrency {
            let running = Int(clamping: try statement(HotSQL.runningOfGroup).first(group) { $0.int(0) } ?? 0)
            if running >= concurrency { return .groupFull(group: name, running: running, limit: concurrency) }
            let held = try statement("SELECT job_id FROM stint_delayed WHERE group_id = ?1 AND holds_group = 1")
                .first(group) { $0.int(0) }
            if limits.isStrict, let held { return .groupWaits(group: name, for: JobID(rawValue: held)) }
        }
        if let rate = limits.groupRate, try startsInWindow(rate, queue: queue.id, group: group) >= rate.starts {
            return .rate(group: name, nextStart: try untilNextStart(rate, queue: queue.id, group: group))
        }
        return nil
    }
}
