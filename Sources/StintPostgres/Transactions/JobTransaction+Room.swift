import StintCore

/// How many jobs a claim may take.
extension JobTransaction {
    /// If this many times a claim's limit is ready, it is enough for all workers, without counting them.
    private static let plenty = 100

    /// If not enough is ready for all workers, jobs that cannot be started at once are left to other workers.
    func limit(_ request: ClaimRequest, _ queues: [ClaimableQueue]) async throws -> Int {
        guard request.idleSlots < request.limit else { return request.limit }
        let row = try await run(
            """
            SELECT coalesce(sum(ready), 0)::bigint, (SELECT count(*) FROM stint.workers) FROM stint.tallies
            WHERE queue_id = ANY ($1)
            """, .ints(queues.map(\.id))
        ).first
        let counted = try row?.int(0) ?? 0
        let ready = queues.reduce(Int(clamping: counted)) { $0 + pendingReady($1.id) }
        guard ready < request.limit * Self.plenty else { return request.limit }
        let share = ready / max(1, Int(clamping: try row?.int(1) ?? 1))
        return min(request.limit, max(request.idleSlots, share))
    }

    /// How many jobs of a queue its limits allow now. Of a queue with limits nothing is claimed ahead: a job that waits in
    /// a worker would hold a place in which another worker could run one.
    func room(in queue: ClaimableQueue, _ request: ClaimRequest, _ limit: Int) async throws -> Int {
        guard queue.limits.isLimited else { return limit }
        var room = min(limit, request.idleSlots)
        if let concurrency = queue.limits.concurrency {
            room = min(room, concurrency - (try await running(in: queue.id)))
        }
        if let rate = queue.limits.rate {
            room = min(room, rate.starts - (try await starts(of: [0], rate, in: queue.id)[0]?.count ?? 0))
        }
        return max(0, room)
    }

    /// - Returns: How many jobs of the queue are leased: not the kept count, which is written at the end.
    func running(in queue: Int64) async throws -> Int {
        let row = try await run(
            "SELECT coalesce(sum(cardinality(job_ids)), 0)::bigint FROM stint.leases WHERE queue_id = $1", .int(queue)
        ).first
        return Int(clamping: try row?.int(0) ?? 0)
    }
}
