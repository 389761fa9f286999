import StintCore

/// A reap repairs what another program did to the groups, and deletes groups that no job names.
///
/// A claim looks only at groups that wait for their turn. If another program, or a person with a shell, changes a
/// row, a group with ready jobs may never get there again.
extension JobTransaction {
    /// How many groups a sweep reads, since other looks wait for it, and how many it may change in one transaction.
    static let groupsPerSweep = 2_000
    static let changesPerSweep = 1_000

    static let nextReadyGroup = """
        SELECT queue_id, group_id FROM stint_ready
        WHERE group_id > ?1 ORDER BY group_id LIMIT 1
        """
    static let miscounted = """
        SELECT id FROM stint_queues q WHERE concurrency IS NOT NULL AND leased <> (
            SELECT count(*) FROM stint_leases l JOIN stint_leased d ON d.token = l.token WHERE l.queue_id = q.id)
        """
    /// The groups of all jobs that run, which are few. Their table has no index of groups without a limit.
    static let leasedGroups = "SELECT group_id FROM stint_leased WHERE group_id IS NOT NULL"
    /// ?1: the group. No state but the leased one has a job of it, and none can be brought back.
    private static let isUnused = """
        g.state IN ('idle', 'waiting') AND g.weight = 1 AND g.name <> ''
        AND NOT EXISTS (SELECT 1 FROM stint_ready WHERE +queue_id = g.queue_id AND group_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM stint_delayed WHERE group_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM stint_buried WHERE group_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM stint_done WHERE group_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM stint_cancelled WHERE group_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM stint_expired WHERE group_id = g.id)
        AND NOT EXISTS (SELECT 1 FROM stint_deleted WHERE group_id = g.id)
        """
    /// Starts of groups that count no more, by the monotonic clock ?3, or that are of an earlier boot.
    private static let hasOldStarts = """
        EXISTS (SELECT 1 FROM stint_starts WHERE queue_id = g.queue_id AND group_id = g.id AND (
            q.group_rate_ms IS NULL OR at <= ?3 - q.group_rate_ms OR at > ?3 + 2 * q.group_rate_ms))
        """
    static let idleGroups = """
        SELECT g.id, g.queue_id, \(hasOldStarts) OR (\(isUnused) AND g.id NOT IN (\(leasedGroups)))
        FROM stint_groups g LEFT JOIN stint_queues q ON q.id = g.queue_id WHERE g.id > ?1 ORDER BY g.id LIMIT ?2
        """
    static let deleteUnusedGroup = """
        DELETE FROM stint_groups AS g WHERE id = ?1 AND \(isUnused)
            AND NOT EXISTS (SELECT 1 FROM stint_starts WHERE queue_id = g.queue_id AND group_id = g.id)
        """

    // MARK: - Reading

    /// Only reads, so that a sweep that finds nothing takes no write lock.
    func sweep(from place: GroupSweep.Place) throws -> GroupSweep.Findings {
        var findings = GroupSweep.Findings()
        findings.next = place
        findings.miscounted = try statement(Self.miscounted).rows { $0.int(0) }
        try findStuck(&findings)
        try findIdle(&findings)
        return findings
    }

    private func findStuck(_ findings: inout GroupSweep.Findings) throws {
        let next = try statement(Self.nextReadyGroup)
        for _ in 0..<Self.groupsPerSweep {
            let found = try next.first(findings.next.ready) {
                GroupOfQueue(queue: $0.int(0), group: $0.int(1))
            }
            // Keys that are no numbers do not go on; another program can have created the table again without types.
            guard let found, found.group > findings.next.ready else {
                findings.next.ready = .min
                return
            }
            findings.next.ready = found.group
            if try isStuck(found) { findings.stuck.append(found) }
            if findings.stuck.count >= Self.changesPerSweep {
                findings.isFull = true
                return
            }
        }
    }

    private func findIdle(_ findings: inout GroupSweep.Findings) throws {
        var idle: [GroupOfQueue] = []
        let read = try statement(Self.idleGroups)
            .rows(findings.next.group, Int64(Self.groupsPerSweep), now.monotonic) { row -> Int64? in
                guard idle.count < Self.changesPerSweep else { return nil }
                if row.int(2) != 0 { idle.append(GroupOfQueue(queue: row.int(1), group: row.int(0))) }
                return row.int(0)
            }
        findings.idle = idle
        if idle.count >= Self.changesPerSweep { findings.isFull = true }
        let isEnd = !findings.isFull && read.count < Self.groupsPerSweep
        findings.next.group = isEnd ? 0 : read.last ?? 0
    }

    /// Whether no claim would find a group's ready jobs, although its limits allow one.
    private func isStuck(_ found: GroupOfQueue) throws -> Bool {
        let select = try statement("SELECT queue_id, state, resume_at FROM stint_groups WHERE id = ?1")
        let row = try select.first(found.group) { row in
            (queue: row.int(0), state: row.text(1), resumeAt: row.optionalInt(2))
        }
        guard let row else { return true }
        // Its jobs are in another queue than it is; `doctor` reports them.
        guard row.queue == found.queue else { return false }
        let limits = try limits(of: found.queue)
        switch row.state {
        case "waiting": return false
        case "paced": return row.resumeAt == nil || limits.groupRate == nil
        case "full":
            guard let concurrency = limits.groupConcurrency else { return true }
            let load = try statement(HotSQL.loadOfGroup).first(found.group) { GroupLoad($0, from: 0) } ?? GroupLoad()
            return load.running < concurrency && !(limits.isStrict && load.isHeld)
        default: return true
        }
    }

    private func limits(of queue: Int64) throws -> QueueLimits {
        try statement("SELECT \(QueueLimits.columns) FROM stint_queues WHERE id = ?1")
            .first(queue) { QueueLimits(stored: $0, from: 0) } ?? QueueLimits()
    }

    // MARK: - Changing

    func act(on findings: GroupSweep.Findings, _ report: inout ReapReport) throws {
        if !findings.miscounted.isEmpty { try writeSharedCounts() }
        for queue in findings.miscounted {
            try statement(
                """
                UPDATE stint_queues SET leased = (
                    SELECT count(*) FROM stint_leases l JOIN stint_leased d ON d.token = l.token WHERE l.queue_id = ?1)
                WHERE id = ?1
                """
            ).execute(queue)
            wakesWorkers = true
        }
        for group in findings.stuck {
            // Meanwhile a claim or the end of a job may have changed it.
            if try isStuck(group) { report.repairedGroups += try repair(group) }
        }
        guard !findings.idle.isEmpty else { return }
        let leased = Set(try statement(Self.leasedGroups).rows { $0.int(0) })
        for group in findings.idle {
            report.prunedGroups += try prune(group, isLeased: leased.contains(group.group))
        }
    }

    /// - Returns: How many: 1, or 0 if it cannot be.
    private func repair(_ group: GroupOfQueue) throws -> Int {
        wakesWorkers = true
        let exists = try statement(
            """
            UPDATE stint_groups SET state = 'waiting', resume_at = NULL,
                                    turn = max(turn, (SELECT turn FROM stint_queues WHERE id = ?2))
            WHERE id = ?1
            """
        ).changes(group.group, group.queue)
        guard exists == 0 else { return exists }
        // Jobs in all states may name it. Its name is lost, unless it is that of the jobs without a group.
        return try statement(
            """
            INSERT OR IGNORE INTO stint_groups (id, queue_id, name, state, turn)
            SELECT ?1, id, CASE WHEN ungrouped = ?1 THEN '' ELSE 'lost group ' || ?1 END, 'waiting', turn
            FROM stint_queues WHERE id = ?2
            """
        ).changes(group.group, group.queue)
    }

    /// Deletes a group that no job names, and starts that count no more.
    ///
    /// A group keeps its row while a start of its last window counts, or it would begin its rate anew.
    private func prune(_ group: GroupOfQueue, isLeased: Bool) throws -> Int {
        let rate = try limits(of: group.queue).groupRate
        if let rate { try clampStarts(rate, queue: group.queue, group: group.group) }
        let last = rate.map { now.monotonic - $0.window.milliseconds } ?? .max
        try statement(HotSQL.deleteStarts).execute(group.queue, group.group, last)
        return isLeased ? 0 : try statement(Self.deleteUnusedGroup).changes(group.group)
    }
}
