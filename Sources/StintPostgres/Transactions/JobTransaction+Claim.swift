import StintCore

extension JobTransaction {
    /// How many delayed jobs whose time has come one claim moves to ready in each queue: it keeps the transaction
    /// short.
    static let promotionsPerClaim: Int64 = 1_000

    /// Leases the first ready jobs of the queues together. In a queue they come by priority, then id, or in turn of their
    /// groups; the queues are merged by priority, then id. The locks of the queues are held; see ``lockForClaim(_:)``.
    func claim(_ request: ClaimRequest, from all: [ClaimableQueue]) async throws -> Claim {
        if let job = request.job { return try await claim(job, request) }
        var queues = all.filter { !$0.isPaused }
        guard !queues.isEmpty else { return Claim() }
        for queue in queues { try await promoteDue(in: queue.id) }
        let limit = try await limit(request, queues)
        guard limit > 0 else { return Claim() }
        for index in queues.indices { queues[index].room = try await room(in: queues[index], request, limit) }
        var choices = try await choices(of: queues, skipsSuspects: false)
        func merged() -> [Candidate] {
            Self.merged(choices.map(\.rows), limit) { $0.limits.isLimited ? request.idleSlots : limit }
        }
        let suspect = merged().first(where: \.suspect)
        if suspect != nil && request.passesOverSuspects {
            choices = try await self.choices(of: queues, skipsSuspects: true)
        }
        var claim = Claim()
        let chosen = Self.within(request.budget, Self.chosen(merged()), &claim.isCut)
        for (queue, choice) in zip(queues, choices) {
            let mine = chosen.filter { $0.queue.id == queue.id }
            claim.jobs += try await lease(mine, of: queue, request, choice)
        }
        // In the order of the claim. A job that was moved between the looks at two queues was found in both.
        let places = Dictionary(chosen.enumerated().map { ($1.id, $0) }) { first, _ in first }
        claim.jobs.sort { places[$0.candidate.id]! < places[$1.candidate.id]! }
        if claim.jobs.first?.candidate.suspect != true { claim.passedOver = suspect.map { JobID(rawValue: $0.id) } }
        return claim
    }

    /// Locks the queues of a claim as long as the transaction lasts, and those of other jobs that it moves.
    ///
    /// - Parameter others: Queues of jobs that are settled in the same transaction.
    /// - Returns: The queues of the claim as they are now.
    func lockForClaim(_ names: [QueueName], others: Set<Int64>) async throws -> [ClaimableQueue] {
        var queues = try await queues(names)
        var isLocked = false
        while !isLocked {
            var locks = Dictionary(uniqueKeysWithValues: others.map { ($0, false) })
            for queue in queues { locks[queue.id] = queue.isClaimedAlone }
            try await lock(locks)
            // A setting may have been changed until the lock was had. From then on none is.
            queues = try await self.queues(names)
            isLocked = queues.allSatisfy { locks[$0.id] == true || locks[$0.id] == $0.isClaimedAlone }
        }
        return queues
    }

    // MARK: - Delayed jobs whose time has come

    private func promoteDue(in queue: Int64) async throws {
        let rows = try await run(
            """
            WITH due AS MATERIALIZED (
                SELECT job_id FROM stint.delayed WHERE queue_id = $1 AND run_at <= $2 ORDER BY run_at, job_id LIMIT $3
                FOR UPDATE SKIP LOCKED
            ), gone AS (
                DELETE FROM stint.delayed d USING due WHERE d.job_id = due.job_id
                RETURNING d.job_id, d.run_at, d.queue_id, d.attempts, d.crashes, d.suspect, d.group_id, d.expires_at
            ), added AS (
                INSERT INTO stint.ready (job_id, priority, queue_id, attempts, crashes, suspect, group_id, expires_at,
                                         ready_at)
                SELECT g.job_id, j.priority, g.queue_id, g.attempts, g.crashes, g.suspect, g.group_id, g.expires_at, g.run_at
                FROM gone g JOIN stint.jobs j ON j.id = g.job_id
            )
            SELECT group_id FROM gone
            """, .int(queue), .int(now.wall), .int(Self.promotionsPerClaim))
        guard !rows.isEmpty else { return }
        count(queue, ready: rows.count, delayed: -rows.count)
        if let line = putInLine(Set(try rows.compactMap { try $0.optionalInt(0) })) { _ = try await run([line]) }
    }

    // MARK: - Which ones

    private func choices(of queues: [ClaimableQueue], skipsSuspects: Bool) async throws -> [Choice] {
        var choices: [Choice] = []
        for queue in queues {
            guard queue.room > 0 else {
                choices.append(Choice())
                continue
            }
            if queue.takesTurns {
                choices.append(try await inTurn(queue, skipsSuspects: skipsSuspects))
            } else if queue.hasGroups {
                choices.append(try await byPriorityWithinLimits(queue, skipsSuspects: skipsSuspects))
            } else {
                let found = try await unexpired(in: queue) {
                    try await self.first(queue, skipsSuspects: skipsSuspects)
                }
                choices.append(Choice(rows: found.rows))
            }
        }
        return choices
    }

    /// The first jobs of a queue without groups. Those that another claim is taking are skipped.
    private func first(_ queue: ClaimableQueue, skipsSuspects: Bool) async throws -> [Candidate] {
        try await run(
            """
            SELECT \(Candidate.columns) FROM stint.ready r JOIN stint.jobs j ON j.id = r.job_id
            WHERE r.queue_id = $1 AND r.group_id IS NULL AND NOT (r.suspect AND $3)
            ORDER BY r.priority, r.job_id LIMIT $2 FOR UPDATE OF r SKIP LOCKED
            """, .int(queue.id), .int(Int64(queue.room)), .bool(skipsSuspects)
        ).map { try Candidate($0, in: queue) }
    }

    /// How often a claim reads on past jobs whose time is over, and how many of them end each time.
    private static let readsPerClaim = 8
    private static let expiriesPerRead: Int64 = 1_000

    /// Reads jobs of a queue, and again as long as there are any among them whose time is over: these end, and never run.
    ///
    /// - Returns: The jobs, and whether there may be others behind those that are over.
    func unexpired(
        in queue: ClaimableQueue, _ read: () async throws -> [Candidate]
    ) async throws -> (rows: [Candidate], isCut: Bool) {
        for _ in 0..<Self.readsPerClaim {
            let rows = try await read()
            let expired = rows.filter { $0.isExpired(now.wall) }
            if expired.isEmpty { return (rows, false) }
            let others = try await run(
                "SELECT job_id FROM stint.ready WHERE expires_at <= $1 AND queue_id = $2 LIMIT $3", .int(now.wall),
                .int(queue.id), .int(Self.expiriesPerRead)
            ).map { try $0.int(0) }
            try await expire(Set(expired.map(\.id)).union(others).sorted())
        }
        let rows = try await read()
        let alive = rows.filter { !$0.isExpired(now.wall) }
        return (alive, alive.count < rows.count)
    }

    /// Ends waiting jobs whose time is over.
    ///
    /// - Returns: How many.
    @discardableResult
    func expire(_ ids: [Int64]) async throws -> Int {
        let isOver = { [wall = now.wall] (job: Located) in
            job.state.isWaiting && job.place.expiresAt.map { $0 <= wall } == true
        }
        let taken = try await take(ids, where: isOver).taken.values.sorted { $0.id < $1.id }
        try await end(
            taken.map { job in
                Ended(
                    id: job.id, place: job.place, state: .expired, attempts: job.attempts, crashes: job.crashes,
                    reason: Transition.expiryReason(attempts: job.attempts))
            })
        return taken.count
    }

    /// Of queues in their own orders: the one whose next job goes first by priority, then id.
    ///
    /// - Parameter place: How many jobs a queue's own may have before them: those of a queue with limits start at once.
    private static func merged(
        _ choices: [[Candidate]], _ limit: Int, place: (ClaimableQueue) -> Int
    ) -> [Candidate] {
        var rest = choices.map { $0[...] }
        var merged: [Candidate] = []
        while merged.count < limit {
            let next = rest.indices
                .filter { rest[$0].first.map { merged.count < place($0.queue) } == true }
                .min { rest[$0].first!.goesBefore(rest[$1].first!) }
            guard let next else { break }
            merged.append(rest[next].removeFirst())
        }
        return merged
    }

    /// A suspect is chosen only if it is the first, and then alone.
    private static func chosen(_ candidates: [Candidate]) -> ArraySlice<Candidate> {
        if candidates.first?.suspect == true { return candidates.prefix(1) }
        return candidates.prefix { !$0.suspect }
    }

    private static func within(
        _ budget: ByteBudget, _ candidates: ArraySlice<Candidate>, _ isCut: inout Bool
    ) -> [Candidate] {
        var bytes = 0
        var chosen: [Candidate] = []
        for candidate in candidates {
            guard budget.admits(candidate.bytes, beside: bytes) else {
                isCut = true
                break
            }
            bytes += candidate.bytes
            chosen.append(candidate)
        }
        return chosen
    }

    // MARK: - The lease

    /// Gives ready jobs of a queue to the holder of a lease. Each gets one attempt more. Jobs that somebody has just
    /// cancelled are left out; one that was taken out and put back since it was chosen, such as by a burial and a kick, is
    /// leased as it is now.
    private func lease(
        _ candidates: [Candidate], of queue: ClaimableQueue, _ request: ClaimRequest, _ choice: Choice
    ) async throws -> [Claim.Job] {
        var leased: [Candidate] = []
        if !candidates.isEmpty {
            let rows = try await run(Self.deleteReady(candidates.map { ($0.place, $0.id) })).joined()
            let gone = Dictionary(try rows.map { (try $0.int(0), $0) }) { $1 }
            leased = try candidates.compactMap { job in try gone[job.id].map { try job.asDeleted($0) } }
            count(queue.id, ready: -leased.count)
        }
        try await serve(leased, of: queue, choice)
        return leased.isEmpty ? [] : try await grant(leased, of: queue, request)
    }

    /// Inserts the lease of jobs that are in no state any more.
    func grant(_ jobs: [Candidate], of queue: ClaimableQueue, _ request: ClaimRequest) async throws -> [Claim.Job] {
        let duration = request.duration.milliseconds
        let token = try await run(
            """
            INSERT INTO stint.leases (token, deadline, claimed_at, expires_at, duration_ms, worker_id, queue_id, suspect,
                                      worker, job_ids, attempts, crashes, group_ids, expiries)
            VALUES (stint.next_token(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            RETURNING token
            """,
            .int(now.steady + duration), .int(now.wall), .int(now.wall + duration), .int(duration),
            .int(request.registration?.rawValue), .int32(Int32(clamping: queue.id)), .bool(jobs[0].suspect),
            .text(request.worker.storable), .ints(jobs.map(\.id)),
            .int32s(jobs.map { Int32(clamping: $0.attempts + 1) }), .int32s(jobs.map { Int32(clamping: $0.crashes) }),
            jobs.allSatisfy { $0.group == nil } ? .null : .ints(jobs.map(\.group)),
            jobs.allSatisfy { $0.expiresAt == nil } ? .null : .ints(jobs.map(\.expiresAt))
        ).first?.int(0)
        guard let token else { throw StintError(.databaseUnusable, "a lease got no token: see stint.next_token()") }
        count(queue.id, leased: jobs.count)
        note(queue.id) { activity in
            activity.started += jobs.count
            // A clock that was set back makes no time negative.
            for job in jobs { activity.timeInQueue.add(milliseconds: max(0, now.wall - job.readyAt)) }
        }
        return jobs.map { job in
            Claim.Job(
                lease: Lease(job: JobID(rawValue: job.id), token: FencingToken(rawValue: token)), candidate: job,
                expiresIn: job.expiresAt.map { .milliseconds($0 - now.wall) })
        }
    }

    // MARK: - One job

    /// Leases one job by its id, if it waits or is buried and nothing holds it back but its turn.
    private func claim(_ id: JobID, _ request: ClaimRequest) async throws -> Claim {
        guard let found = try await locate([id.rawValue])[id.rawValue] else { return Claim() }
        try await lock([found.place.queue], exclusively: true)
        guard let queue = try await queue(found.place.queue), !queue.isPaused,
            try await room(in: queue, request, 1) > 0
        else { return Claim() }
        if let group = found.place.group,
            try await rooms(of: [group], in: queue)[group]?.isEmpty == true
        {
            return Claim()
        }
        let readyAt = try await readyAt(found)
        // It may have been moved since.
        let isClaimable = { [wall = now.wall] (job: Located) in
            job.place == found.place && (job.state.isWaiting || job.state == .buried)
                && job.place.expiresAt.map { $0 <= wall } != true
        }
        guard let job = try await take([id.rawValue], where: isClaimable).taken[id.rawValue] else { return Claim() }
        let candidate = Candidate(job, in: queue, readyAt: readyAt)
        try await serve([candidate], of: queue, Choice())
        return Claim(jobs: try await grant([candidate], of: queue, request))
    }

    /// One that is not ready waits for no worker.
    private func readyAt(_ job: Located) async throws -> Timestamp {
        guard job.state == .ready else { return now.wall }
        return try await run(
            """
            SELECT coalesce(s.ready_at, s.enqueued_at) FROM stint.job s WHERE s.id = $1 AND s.state = 'ready'
            """, .int(job.id)
        ).first?.optionalInt(0) ?? now.wall
    }
}
