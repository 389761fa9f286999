import StintCore

/// What the groups of a queue do now, as far as the queue limits it.
struct GroupLoad: Sendable {
    /// How many jobs of each are leased.
    var running: [Int64: Int] = [:]
    /// In a strict order: groups that wait for a job that is to be tried again, and one such job.
    var waitsFor: [Int64: Int64] = [:]
}

/// The claims of a queue or a group within the window of a rate.
struct StartsInWindow: Sendable {
    let count: Int
    /// By the steady clock.
    let oldest: Int64
}

/// The limits of groups and rates.
extension JobTransaction {
    // MARK: - What runs of groups

    func load(of queue: ClaimableQueue) async throws -> GroupLoad {
        guard queue.limits.groupConcurrency != nil else { return GroupLoad() }
        var load = GroupLoad()
        let rows = try await run(
            """
            SELECT g, count(*) FROM stint.leases l CROSS JOIN LATERAL unnest(l.group_ids) AS g
            WHERE l.queue_id = $1 AND g IS NOT NULL GROUP BY g
            """, .int(queue.id))
        for row in rows { load.running[try row.int(0)] = Int(clamping: try row.int(1)) }
        guard queue.limits.isStrict else { return load }
        let held = try await run(
            """
            SELECT group_id, min(job_id) FROM stint.delayed WHERE queue_id = $1 AND holds_group AND group_id IS NOT NULL
            GROUP BY group_id
            """, .int(queue.id))
        for row in held { load.waitsFor[try row.int(0)] = try row.int(1) }
        return load
    }

    /// Groups that have no room before one of their jobs ends.
    func blockedGroups(_ load: GroupLoad, _ limits: QueueLimits) -> Set<Int64> {
        guard let concurrency = limits.groupConcurrency else { return [] }
        return Set(load.running.filter { $0.value >= concurrency }.keys).union(load.waitsFor.keys)
    }

    /// How many jobs of each group its limits allow now.
    func rooms(
        of groups: [Int64], in queue: ClaimableQueue, _ known: GroupLoad? = nil
    ) async throws -> [Int64: GroupRoom] {
        guard !groups.isEmpty else { return [:] }
        let limits = queue.limits
        var load = known ?? GroupLoad()
        if known == nil { load = try await self.load(of: queue) }
        var started: [Int64: StartsInWindow] = [:]
        if let rate = limits.groupRate { started = try await starts(of: groups, rate, in: queue.id) }
        let blocked = blockedGroups(load, limits)
        return Dictionary(
            uniqueKeysWithValues: groups.map { group -> (Int64, GroupRoom) in
                if blocked.contains(group) { return (group, .full) }
                var room = Int.max
                if let concurrency = limits.groupConcurrency { room = concurrency - load.running[group, default: 0] }
                if let rate = limits.groupRate, let started = started[group] {
                    if started.count >= rate.starts {
                        return (group, .paced(until: started.oldest + rate.window.milliseconds))
                    }
                    room = min(room, rate.starts - started.count)
                } else if let rate = limits.groupRate {
                    room = min(room, rate.starts)
                }
                return (group, .count(room))
            })
    }

    // MARK: - Rates

    /// The starts of the last window are counted in a thousand parts of it. Each is counted at the end of its part, so
    /// that no window of that length, wherever it begins, ever has more than allowed.
    private static func part(of rate: Rate) -> Int64 { max(1, rate.window.milliseconds / 1_000) }

    /// - Parameter groups: 0: all jobs of the queue.
    /// - Returns: Nothing for those without a start in the window.
    func starts(of groups: [Int64], _ rate: Rate, in queue: Int64) async throws -> [Int64: StartsInWindow] {
        let rows = try await run(
            """
            SELECT group_id, sum(starts)::bigint, min(at) FROM stint.starts
            WHERE queue_id = $1 AND group_id = ANY ($2) AND at > $3 GROUP BY group_id
            """, .int(queue), .ints(groups), .int(now.steady - rate.window.milliseconds))
        return Dictionary(
            uniqueKeysWithValues: try rows.map {
                (try $0.int(0), StartsInWindow(count: Int(clamping: try $0.int(1)), oldest: try $0.int(2)))
            })
    }

    /// In how long the rate allows the next start; `nil`: now.
    func untilNextStart(_ rate: Rate, _ started: StartsInWindow?) -> Duration? {
        guard let started, started.count >= rate.starts else { return nil }
        return .milliseconds(max(0, started.oldest + rate.window.milliseconds - now.steady))
    }

    /// - Parameter starts: By group; 0: all jobs of the queue.
    func countStarts(_ starts: [Int64: Int], of queue: ClaimableQueue) -> [PostgresStatement] {
        starts.sorted { $0.key < $1.key }.flatMap { group, count -> [PostgresStatement] in
            guard let rate = group == 0 ? queue.limits.rate : queue.limits.groupRate else { return [] }
            let part = Self.part(of: rate)
            return [
                PostgresStatement(
                    "DELETE FROM stint.starts WHERE queue_id = $1 AND group_id = $2 AND at <= $3",
                    [.int(queue.id), .int(group), .int(now.steady - rate.window.milliseconds)]),
                PostgresStatement(
                    """
                    INSERT INTO stint.starts AS s (queue_id, group_id, at, starts) VALUES ($1, $2, $3, $4)
                    ON CONFLICT (queue_id, group_id, at) DO UPDATE SET starts = s.starts + excluded.starts
                    """, [.int(queue.id), .int(group), .int((now.steady / part + 1) * part), .int(Int64(count))]),
            ]
        }
    }

    /// Puts the groups back into the line whose rate allows them a start again. A time that lies further ahead than the
    /// rate's window is of a longer window.
    func resumePaced(_ queue: ClaimableQueue) async throws {
        let window = queue.limits.groupRate?.window.milliseconds ?? 0
        try await run(
            """
            UPDATE stint.groups SET resume_at = NULL
            WHERE queue_id = $1 AND resume_at IS NOT NULL AND (resume_at <= $2 OR resume_at > $2::bigint + 2 * $3::bigint)
            """, .int(queue.id), .int(now.steady), .int(window))
    }
}
