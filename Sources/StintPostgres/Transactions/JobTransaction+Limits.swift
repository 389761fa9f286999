import StintCore

/// A queue's settings, and what people ask about queues and groups.
extension JobTransaction {
    // MARK: - Changing

    /// Claims hold the queue's lock alone, or with others: none sees a part of the new settings.
    func configure(_ name: QueueName, _ settings: QueueSettings) async throws {
        let id = try await queueID(name)
        try await lock([id], exclusively: true)
        var (columns, parameters): ([String], [PostgresValue]) = ([], [.int(id)])
        func set(_ column: String, _ value: PostgresValue) {
            parameters.append(value)
            columns.append("\(column) = $\(parameters.count)")
        }
        if let paused = settings.paused {
            change.revokes = change.revokes || paused
            set("paused", .bool(paused))
            set("pause_reason", .text(settings.pauseReason?.storable))
        }
        if let retention = settings.retention { set("retention_ms", .int(retention.milliseconds)) }
        if let search = settings.search { set("search", .bool(search)) }
        func number(_ value: Int?) -> PostgresValue { .int32(value.map { Int32(clamping: $0) }) }
        if let limit = settings.concurrency { set("concurrency", number(limit.value)) }
        if let limit = settings.rate {
            set("rate_starts", number(limit.value?.starts))
            set("rate_ms", .int(limit.value?.window.milliseconds))
        }
        if let limit = settings.groupConcurrency { set("group_concurrency", number(limit.value)) }
        if let limit = settings.groupRate {
            set("group_rate_starts", number(limit.value?.starts))
            set("group_rate_ms", .int(limit.value?.window.milliseconds))
        }
        if let order = settings.groupOrder { set("is_loose", .bool(order == .loose)) }
        if let isFair = settings.isFair { set("is_fair", .bool(isFair)) }
        if !columns.isEmpty {
            _ = try await run([
                PostgresStatement(
                    "UPDATE stint.queues SET \(columns.joined(separator: ", ")) WHERE id = $1", parameters)
            ])
        }
        if settings.paused == false { change.wakes.insert(id) }
        guard settings.changesLimits else { return }
        // The next claim judges all groups by the new limits.
        try await run(
            "UPDATE stint.groups SET resume_at = NULL WHERE queue_id = $1 AND resume_at IS NOT NULL", .int(id))
        // Holders give back what they have claimed and not started.
        change.revokes = true
        change.wakes.insert(id)
    }

    func setWeight(_ weight: Int, ofGroup group: String, in name: QueueName) async throws {
        let queue = try await queueID(name)
        try await run(
            "UPDATE stint.groups SET weight = $2 WHERE id = $1", .int(try await groupID(group, in: queue)),
            .int32(Int32(clamping: weight)))
    }

    // MARK: - Reading

    func queue(_ name: QueueName) async throws -> QueueDetails? {
        guard let stats = try await stats(of: name).first, let queue = try await queues([name]).first else {
            return nil
        }
        let row = try await run(
            """
            SELECT retention_ms, search, (SELECT count(*) FROM stint.groups WHERE queue_id = q.id AND name <> '')
            FROM stint.queues q WHERE id = $1
            """, .int(queue.id)
        ).first
        var (started, nextStart): (Int, Duration?) = (0, nil)
        if let rate = queue.limits.rate {
            let starts = try await starts(of: [0], rate, in: queue.id)[0]
            started = starts?.count ?? 0
            nextStart = untilNextStart(rate, starts)
        }
        return QueueDetails(
            stats: stats, retention: .milliseconds(try row?.int(0) ?? 0), startsInWindow: started, nextStart: nextStart,
            groups: Int(clamping: try row?.int(2) ?? 0),
            // The setting is kept for other stores; this one has no index, and so none that is behind.
            search: try row?.bool(1) == true ? QueueSearch(jobs: 0, bytes: 0, isBehind: false) : nil)
    }

    /// The groups of a queue, those first that have something to do.
    func groups(of name: QueueName, limit: Int) async throws -> [GroupStats] {
        guard let queue = try await queues([name]).first else { return [] }
        let load = try await load(of: queue)
        let rows = try await run(
            """
            WITH held AS MATERIALIZED (
                SELECT coalesce(group_id, 0) AS group_id, count(*) AS jobs FROM stint.leased WHERE queue_id = $1 GROUP BY 1
            ), known AS (
                SELECT g.id, g.name, g.weight, coalesce(h.jobs, 0) AS jobs,
                       h.jobs > 0 OR EXISTS (SELECT 1 FROM stint.ready WHERE group_id = g.id)
                           OR g.name = '' AND EXISTS (SELECT 1 FROM stint.ready WHERE queue_id = $1 AND group_id IS NULL)
                           AS is_busy
                FROM stint.groups g LEFT JOIN held h ON h.group_id = CASE WHEN g.name = '' THEN 0 ELSE g.id END
                WHERE g.queue_id = $1
            )
            SELECT id, name, weight,
                   CASE WHEN name = '' THEN (SELECT count(*) FROM stint.ready WHERE queue_id = $1 AND group_id IS NULL)
                        ELSE (SELECT count(*) FROM stint.ready WHERE group_id = k.id) END, jobs
            FROM (SELECT * FROM known ORDER BY coalesce(is_busy, false) DESC, name LIMIT $2::bigint) k
            ORDER BY coalesce(is_busy, false) DESC, name
            """, .int32(Int32(clamping: queue.id)), .int(Int64(limit)))
        var groups: [GroupStats] = []
        for row in rows {
            let name = try row.text(1)
            groups.append(
                GroupStats(
                    name: name.isEmpty ? nil : name, weight: Int(clamping: try row.int(2)),
                    ready: Int(clamping: try row.int(3)), running: Int(clamping: try row.int(4)),
                    waitReason: try await waitReason(ofGroup: try row.int(0), named: name, in: queue, load)))
        }
        return groups
    }
}
