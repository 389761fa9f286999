import StintCore

extension InMemoryState {
    /// If there are at least this many times as many ready jobs as its limit, a claim is not restricted.
    private static let plenty = 100

    mutating func claim(_ request: ClaimRequest, _ now: ClockReading, into exchange: inout Exchange) {
        promoteDue(request.queues, now)
        for job in jobs.values where request.queues.contains(job.queue) && queues[job.queue]?.isPaused == false {
            if job.place.state == .ready, job.isExpired(now) { expire(job, now) }
        }
        let names = Set(request.queues).filter { queues[$0]?.isPaused == false }
        let ready = jobs.values.filter { job in
            if case .ready = job.place { return names.contains(job.queue) }
            return false
        }.sorted { ($0.options.priority, $0.id.rawValue) < ($1.options.priority, $1.id.rawValue) }
        let limit = limit(request, ready: ready.count)
        guard limit > 0 else { return }
        let suspect = ready.prefix(limit).first(where: \.isSuspect)
        let passesOver = suspect != nil && request.passesOverSuspects
        let candidates = passesOver ? ready.filter { !$0.isSuspect } : ready
        let chosen =
            candidates.first?.isSuspect == true
            ? candidates.prefix(1) : candidates.prefix(limit).prefix { !$0.isSuspect }
        // The jobs of one queue share a token.
        var tokens: [QueueName: FencingToken] = [:]
        var bytes = 0
        for job in chosen {
            let size = job.payload.count + job.options.headers.byteCount
            guard request.budget.admits(size, beside: bytes) else {
                exchange.isCut = true
                break
            }
            bytes += size
            let token = tokens[job.queue] ?? grantLease(of: job.queue, request, now)
            tokens[job.queue] = token
            exchange.jobs.append(lease(job, token))
        }
        if exchange.jobs.first?.runsAlone != true { exchange.passedOver = suspect?.id }
    }

    mutating func promoteDue(_ names: [QueueName], _ now: ClockReading) {
        for (id, job) in jobs where names.contains(job.queue) && queues[job.queue]?.isPaused == false {
            if case .delayed(let time) = job.place, time <= now.wall { jobs[id]!.place = .ready }
        }
    }

    /// Leaves jobs that cannot be started at once to other workers if there are not enough for all.
    private func limit(_ request: ClaimRequest, ready: Int) -> Int {
        guard request.idleSlots < request.limit, ready < request.limit * Self.plenty else { return request.limit }
        return min(request.limit, max(request.idleSlots, ready / max(1, workers.count)))
    }

    private mutating func grantLease(
        of queue: QueueName, _ request: ClaimRequest, _ now: ClockReading
    ) -> FencingToken {
        lastToken += 1
        let token = FencingToken(rawValue: lastToken)
        let duration = request.duration.milliseconds
        leases[token] = GrantedLease(
            token: token, queue: queue, worker: request.worker, registration: request.registration, boot: now.boot,
            deadline: now.monotonic + duration, duration: duration, expiresAt: now.wall + duration, jobs: [])
        return token
    }

    private mutating func lease(_ job: Job, _ token: FencingToken) -> LeasedJob {
        leases[token]!.jobs.insert(job.id)
        jobs[job.id]!.place = .leased(token)
        jobs[job.id]!.attempts += 1
        return LeasedJob(
            lease: Lease(job: job.id, token: token), queue: job.queue, payload: job.payload,
            contentType: job.contentType, headers: job.options.headers, priority: job.options.priority,
            attempt: Int(job.attempts + 1), maxAttempts: job.options.maxAttempts,
            timeToRun: job.options.timeToRun.map { .milliseconds($0.milliseconds) }, enqueuedAt: job.enqueuedAt,
            runsAlone: job.isSuspect, expiresAt: job.expiresAt)
    }

    // MARK: - Holders

    mutating func settle(_ settlements: [Settlement], _ now: ClockReading) -> [Settlement.Answer] {
        settlements.map { settlement in
            let (id, token) = (settlement.lease.job, settlement.lease.token)
            guard let lease = leases[token], let job = jobs[id], isLeased(settlement.lease) else { return .leaseLost }
            endLease(of: id, token)
            let transition = Transition.after(
                settlement.outcome, job.held, maxAttempts: settlement.maxAttempts, refusedFor: job.refusedFor(now))
            let state = move(id, transition, worker: lease.worker, settlement.diagnostics, now)
            _ = enqueue(settlement.followUps, now)
            return .settled(state)
        }
    }

    func isLeased(_ lease: Lease) -> Bool {
        if case .leased(lease.token)? = jobs[lease.job]?.place { return leases[lease.token] != nil }
        return false
    }

    mutating func extend(_ leases: [Lease], by duration: Duration, _ now: ClockReading) -> [Lease] {
        let milliseconds = duration.milliseconds
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
                    isPaused: queues[lease.queue]?.isPaused == true)
            }
        }
    }

    func nextReady(in names: [QueueName], passingOverSuspects: Bool, _ now: ClockReading) -> NextReady {
        var next: Timestamp?
        for job in jobs.values where names.contains(job.queue) && queues[job.queue]?.isPaused == false {
            switch job.place {
            case .ready where !(passingOverSuspects && job.isSuspect): return .now
            case .delayed(let time): next = min(next ?? .max, time)
            default: continue
            }
        }
        guard let next else { return .unknown }
        return next <= now.wall ? .now : .at(next)
    }
}
