import StintCore

/// The verbs of a `JobStore`: each is one transaction with the verb of the same name.
extension PostgresStore {
    public func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] {
        try checkStillThere()
        guard !jobs.isEmpty else { return [] }
        if let answers = try await enqueueAtOnce(jobs) { return answers }
        let canBeRepeated = jobs.allSatisfy { $0.options.idempotencyKey != nil }
        var tries = canBeRepeated ? Self.triesWithKey : 1
        var isUnknown = false
        while true {
            do {
                return try await change(isEnqueue: true) { try await $0.enqueue(jobs) }
            } catch let error as StintError where error.code == .outcomeUnknown && tries > 1 {
                (tries, isUnknown) = (tries - 1, true)
            } catch  where isUnknown {
                // This try has changed nothing, and an earlier one may have.
                throw StintError(
                    .outcomeUnknown,
                    "a connection was lost at the commit of an enqueue, which may have been done or not, and repeating it "
                        + "failed (\(error)): enqueue the jobs again with the same idempotency keys")
            }
        }
    }

    /// How often an enqueue whose outcome is unknown is done, if all its jobs have idempotency keys. Each try waits for
    /// a connection.
    private static let triesWithKey = 5

    public func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        try checkStillThere()
        guard !settlements.isEmpty || request != nil else { return Exchange() }
        if let exchange = try await exchangeAtOnce(settlements, for: request) { return exchange }
        return try await change { transaction in
            try await transaction.exchange(settlements, for: request)
        }
    }

    public func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        try checkStillThere()
        guard !leases.isEmpty else { return [] }
        return try await change { transaction in
            let lost = try await transaction.extend(leases, by: duration)
            transaction.changesNothing = true
            return lost
        }
    }

    public func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        try await read { try await $0.nextReady(in: queues, passingOverSuspects: passingOverSuspects) }
    }

    public func isClaimable(_ job: JobID) async throws -> Bool { try await read { try await $0.isClaimable(job) } }

    public func waitReason(of job: JobID) async throws -> WaitReason? {
        try await read { try await $0.waitReason(of: job) }
    }

    public func reap() async throws -> ReapReport {
        try checkStillThere()
        let isNeeded = try await outages.measure {
            try await watchClock()
            return try await read { transaction in
                if try await transaction.needsReap() { return true }
                return try await transaction.needsUpkeep()
            }
        }
        guard isNeeded else { return ReapReport() }
        return try await change { transaction in
            var report = try await transaction.reap()
            try await transaction.upkeep(&report)
            return report
        }
    }
}

extension JobTransaction {
    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        let tokens = Set(settlements.map(\.lease.token.rawValue)).sorted()
        var settledQueues: Set<Int64> = []
        if !tokens.isEmpty {
            let rows = try await run(
                "SELECT queue_id FROM stint.leases WHERE token = ANY ($1) AND group_ids IS NOT NULL", .ints(tokens))
            settledQueues = Set(try rows.map { try $0.int(0) })
        }
        for job in settlements.flatMap(\.followUps) where job.options.group != nil {
            settledQueues.insert(try await queueID(job.queue))
        }
        let queues = try await lockForClaim(request?.queues ?? [], others: settledQueues)
        // After the queues and before leases, as in a reclaim.
        let hasWorker = try await lockWorker(request?.registration)
        for queue in queues where !queue.isClaimedAlone && !queue.isPaused {
            store.knownQueues.note(queue.id, isSpecial: false)
        }
        var exchange = Exchange(answers: try await settle(settlements))
        var claim = Claim()
        if let request, hasWorker { claim = try await self.claim(request, from: queues) }
        let (jobs, unreadable) = try await load(claim)
        _ = try await settle(unreadable)
        exchange.jobs = jobs
        exchange.isCut = claim.isCut
        exchange.passedOver = claim.passedOver
        changesNothing = hasCountedNothing
        return exchange
    }
}
