import StintCore

extension InMemoryState {
    /// If there are at least this many times as many ready jobs as its limit, a claim is not restricted.
    private static let plenty = 100

    mutating func claim(_ request: ClaimRequest, _ now: StoreTime, into exchange: inout Exchange) {
        if let job = request.job { return claim(job, request, now, into: &exchange) }
        promoteDue(request.queues, now)
        let names = Set(request.queues).filter { queues[$0]?.isPaused == false }
        for job in readyJobs(of: names) where job.isExpired(now) { expire(job, now) }
        let ready = readyJobs(of: names)
        let limit = limit(request, ready: ready.count)
        guard limit > 0 else { return }
        let rooms = Dictionary(uniqueKeysWithValues: names.map { ($0, room(in: $0, request, limit, now)) })
        let limited = names.filter { queues[$0]!.limits.isLimited }
        func choose(_ state: inout InMemoryState, skipsSuspects: Bool) -> ArraySlice<Job> {
            let choices = names.map { name in
                state.choices(
                    of: name, ready.filter { $0.queue == name }, rooms[name]!, skipsSuspects: skipsSuspects, now)
            }
            return Self.merged(choices, limit) { limited.contains($0) ? request.idleSlots : limit }[...]
        }
        var candidates = choose(&self, skipsSuspects: false)
        let suspect = candidates.first(where: \.isSuspect)
        if suspect != nil && request.passesOverSuspects {
            candidates = choose(&self, skipsSuspects: true)
        }
        let chosen =
            candidates.first?.isSuspect == true ? candidates.prefix(1) : candidates.prefix { !$0.isSuspect }
        // The jobs of one queue share a token.
        var tokens: [QueueName: FencingToken] = [:]
        var bytes = 0
        for job in chosen {
            let size = job.payloadBytes + job.options.headers.byteCount
            guard request.budget.admits(size, beside: bytes) else {
                exchange.isCut = true
                break
            }
            bytes += size
            let token = tokens[job.queue] ?? grantLease(of: job.queue, request, now)
            tokens[job.queue] = token
            exchange.jobs.append(lease(job, token, now))
            noteStart(of: job, now)
            serve(job, now)
        }
        if exchange.jobs.first?.runsAlone != true { exchange.passedOver = suspect?.id }
    }

    private mutating func claim(
        _ id: JobID, _ request: ClaimRequest, _ now: StoreTime, into exchange: inout Exchange
    ) {
        guard let job = jobs[id], job.place.state.isWaiting || job.place.state == .buried, !job.isExpired(now),
            queues[job.queue]?.isPaused == false, room(in: job.queue, request, 1, now) > 0,
            hasRoom(inGroupOf: job, now)
        else { return }
        if job.place.state == .buried {
            // As if it had been kicked.
            jobs[id]!.attempts = 0
            jobs[id]!.crashes = 0
        }
        if job.place.state != .ready { jobs[id]!.readyAt = now.wall }
        let token = grantLease(of: job.queue, request, now)
        let claimed = jobs[id]!
        exchange.jobs.append(lease(claimed, token, now))
        noteStart(of: claimed, now)
        serve(claimed, now)
    }

    mutating func promoteDue(_ names: [QueueName], _ now: StoreTime) {
        for (id, job) in jobs where names.contains(job.queue) && queues[job.queue]?.isPaused == false {
            if case .delayed(let time) = job.place, time <= now.wall {
                jobs[id]!.place = .ready
                jobs[id]!.readyAt = time
                putInLine(id)
            }
        }
    }

    private func readyJobs(of names: Set<QueueName>) -> [Job] {
        jobs.values.filter { job in
            if case .ready = job.place { return names.contains(job.queue) }
            return false
        }.sorted(by: Self.goesBefore)
    }

    /// Of queues in their own orders: the one whose next job goes first by priority, then id.
    ///
    /// - Parameter place: How many jobs a queue's own may have before them: those of a queue with limits start at once.
    private static func merged(_ choices: [[Job]], _ limit: Int, place: (QueueName) -> Int) -> [Job] {
        var rest = choices.map { $0[...] }
        var merged: [Job] = []
        while merged.count < limit,
            let next = rest.indices.filter({ rest[$0].first.map { merged.count < place($0.queue) } == true })
                .min(by: { goesBefore(rest[$0].first!, rest[$1].first!) })
        {
            merged.append(rest[next].removeFirst())
        }
        return merged
    }

    /// Leaves jobs that cannot be started at once to other workers if there are not enough for all.
    private func limit(_ request: ClaimRequest, ready: Int) -> Int {
        guard request.idleSlots < request.limit, ready < request.limit * Self.plenty else { return request.limit }
        return min(request.limit, max(request.idleSlots, ready / max(1, workers.count)))
    }

    private mutating func grantLease(
        of queue: QueueName, _ request: ClaimRequest, _ now: StoreTime
    ) -> FencingToken {
        lastToken += 1
        let token = FencingToken(rawValue: lastToken)
        let duration = request.duration.wholeMilliseconds
        leases[token] = GrantedLease(
            token: token, queue: queue, worker: request.worker, registration: request.registration,
            deadline: now.monotonic + duration, duration: duration, expiresAt: now.wall + duration,
            claimedAt: now.wall, jobs: [])
        return token
    }

    private mutating func lease(_ job: Job, _ token: FencingToken, _ now: StoreTime) -> LeasedJob {
        leases[token]!.jobs.insert(job.id)
        jobs[job.id]!.place = .leased(token)
        jobs[job.id]!.attempts += 1
        jobs[job.id]!.wasClaimed = true
        return LeasedJob(
            lease: Lease(job: job.id, token: token), queue: job.queue, payload: job.payload,
            contentType: job.contentType, headers: job.options.headers, priority: job.options.priority,
            attempt: Int(job.attempts + 1), maxAttempts: job.options.maxAttempts,
            timeToRun: job.options.timeToRun.map { .milliseconds($0.wholeMilliseconds) }, enqueuedAt: job.enqueuedAt,
            runsAlone: job.isSuspect, events: job.events, expiresAt: job.expiresAt,
            expiresIn: job.expiresAt.map { .milliseconds($0 - now.wall) })
    }

    // MARK: - Holders

    mutating func settle(_ settlements: [Settlement], _ now: StoreTime) -> [Settlement.Answer] {
        settlements.map { settlement in
            let (id, token) = (settlement.lease.job, settlement.lease.token)
            guard let lease = leases[token], let job = jobs[id], isLeased(settlement.lease) else { return .leaseLost }
            endLease(of: id, token)
            var outcome = settlement.outcome
            // Its holder counts by its own clock, from before its claim.
            if outcome == .expire, !job.isExpired(now) { outcome = .release(after: .zero) }
            let transition = Transition.after(
                outcome, job.held, maxAttempts: settlement.maxAttempts, refusedFor: job.refusedFor(now))
            if outcome.hasRun {
                note(job.queue, now) { $0.runTime.add(.milliseconds(now.wall - lease.claimedAt)) }
            }
            if let priority = settlement.priority { jobs[id]!.options.priority = priority }
            let state = move(id, transition, worker: lease.worker, settlement.diagnostics, now)
            _ = enqueue(settlement.followUps, now)
            return .settled(state)
        }
    }

    func isLeased(_ lease: Lease) -> Bool {
        if case .leased(lease.token)? = jobs[lease.job]?.place { return leases[lease.token] != nil }
        return false
    }

    mutating func extend(_ leases: [Lease], by duration: Duration, _ now: StoreTime) -> [Lease] {
        let milliseconds = duration.wholeMilliseconds
        for token in Set(leases.map(\.token)) {
            guard var lease = self.leases[token] else { continue }
            lease.deadline = max(lease.deadline, now.monotonic + milliseconds)
            lease.expiresAt = max(lease.expiresAt, now.wall + milliseconds)
            lease.duration = max(lease.duration, milliseconds)
            lease.overdueSince = nil
            self.leases[token] = lease
        }
        return leases.filter { !isLeased($0) }
    }

    func leases(heldBy worker: WorkerID) -> [HeldJob] {
        leases.values.filter { $0.registration == worker }.flatMap { lease in
            lease.jobs.sorted { $0.rawValue < $1.rawValue }.map { job in
                HeldJob(
                    lease: Lease(job: job, token: lease.token), queue: lease.queue,
                    isPaused: queues[lease.queue].map { $0.isPaused || $0.limits.isLimited } == true)
            }
        }
    }

    func nextReady(in names: [QueueName], passingOverSuspects: Bool, _ now: StoreTime) -> NextReady {
        var next: Timestamp?
        for name in Set(names) where queues[name]?.isPaused == false {
            var ready = readyJobs(of: [name])
            if passingOverSuspects {
                let blocked = queues[name]!.limits.isStrict ? Set(ready.filter(\.isSuspect).map(\.options.group)) : []
                ready.removeAll { $0.isSuspect || blocked.contains($0.options.group) && $0.options.group != nil }
            }
            if !ready.isEmpty, let wait = nextStart(of: name, ready, now) {
                if wait <= 0 { return .now }
                next = min(next ?? .max, now.wall + wait)
            }
            for job in jobs.values where job.queue == name {
                if case .delayed(let time) = job.place { next = min(next ?? .max, time) }
            }
        }
        guard let next else { return .unknown }
        return next <= now.wall ? .now : .after(.milliseconds(next - now.wall))
    }
}
