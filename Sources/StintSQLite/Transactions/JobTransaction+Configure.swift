import StintCore

extension JobTransaction {
    func configure(_ queue: QueueName, _ settings: QueueSettings) throws {
        let id = try queueID(queue)
        if let paused = settings.paused {
            revokes = revokes || paused
            let update = try statement("UPDATE stint_queues SET paused = ?2, pause_reason = ?3 WHERE id = ?1")
            update.bind(1, id)
            update.bind(2, paused ? 1 : 0)
            update.bind(3, settings.pauseReason?.replacing("\0", with: "\u{FFFD}"))
            try update.execute()
        }
        if let retention = settings.retention {
            try statement("UPDATE stint_queues SET retention_ms = ?2 WHERE id = ?1").execute(id, retention.milliseconds)
        }
        if let search = settings.search { try setSearch(search, of: id) }
        if settings.changesLimits { try changeLimits(of: id, settings) }
    }

    private func changeLimits(of queue: Int64, _ settings: QueueSettings) throws {
        func set(_ columns: String, _ values: Int64?...) throws {
            let update = try statement("UPDATE stint_queues SET \(columns) WHERE id = ?1")
            update.bind(1, queue)
            for (index, value) in values.enumerated() { update.bind(Int32(index) + 2, value) }
            try update.execute()
        }
        if let limit = settings.concurrency { try set("concurrency = ?2", limit.value.map(Int64.init)) }
        if let limit = settings.rate {
            try set(
                "rate_starts = ?2, rate_ms = ?3", limit.value.map { Int64($0.starts) }, limit.value?.window.milliseconds
            )
        }
        if let limit = settings.groupConcurrency { try set("group_concurrency = ?2", limit.value.map(Int64.init)) }
        if let limit = settings.groupRate {
            try set(
                "group_rate_starts = ?2, group_rate_ms = ?3", limit.value.map { Int64($0.starts) },
                limit.value?.window.milliseconds)
        }
        if let order = settings.groupOrder { try set("is_loose = ?2", order == .loose ? 1 : 0) }
        if let isFair = settings.isFair { try set("is_fair = ?2", isFair ? 1 : 0) }
        // The next claim judges all groups by the new limits. No group with ready jobs is idle, unless another program
        // has changed the tables.
        try statement(
            """
            UPDATE stint_groups SET state = 'waiting', resume_at = NULL,
                                    turn = max(turn, (SELECT turn FROM stint_queues WHERE id = ?1))
            WHERE queue_id = ?1 AND state <> 'waiting' AND (state IN ('full', 'paced') OR EXISTS (
                SELECT 1 FROM stint_ready r WHERE r.group_id = stint_groups.id))
            """
        ).execute(queue)
        groupsInLine = []
        // Holders give back what they have claimed and not started.
        revokes = true
    }
}
