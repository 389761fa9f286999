import StintCore

/// Operators' calls. Each checks all ids before its first change.
extension InMemoryState {
    private func found(_ ids: [JobID], _ check: (Job) throws -> Void) throws {
        for id in ids {
            guard let job = jobs[id] else { throw StintError.notFound(id) }
            try check(job)
        }
    }

    mutating func kick(_ ids: [JobID], _ now: StoreTime) throws {
        var seen: Set<JobID> = []
        try found(ids) { job in
            let state = seen.insert(job.id).inserted ? job.place.state : .ready
            guard state == .buried else {
                throw StintError.invalidInput(
                    "job \(job.id) is \(state.rawValue), not buried: only a buried job can be kicked")
            }
        }
        for id in ids { wait(id, after: .zero, now) }
    }

    mutating func runNow(_ ids: [JobID], _ now: StoreTime) throws {
        try found(ids) { job in
            switch job.place {
            case .ready, .delayed: return
            case .leased:
                throw StintError.invalidInput(
                    "job \(job.id) is leased: a worker has it already, so it cannot be started now")
            case .buried:
                throw StintError.invalidInput(
                    "job \(job.id) is buried: kick it, and it is ready with all its attempts")
            case .done, .cancelled, .expired:
                let state = job.place.state.rawValue
                throw StintError.invalidInput("job \(job.id) is \(state): a \(state) job does not run again")
            }
        }
        for id in ids {
            guard let job = jobs[id], case .delayed = job.place else { continue }
            wait(id, after: .zero, attempts: job.attempts, crashes: job.crashes, isSuspect: job.isSuspect, now)
        }
    }

    mutating func bury(_ ids: [JobID], reason: String, _ now: StoreTime) throws {
        try found(ids) { job in
            if job.place.state.isOver {
                let state = job.place.state.rawValue
                throw StintError.invalidInput("job \(job.id) is \(state): a \(state) job cannot be buried")
            }
        }
        for id in ids {
            guard let job = jobs[id] else { continue }
            if case .buried = job.place { continue }
            takeFromHolder(job)
            bury(id, attempts: job.attempts, crashes: job.crashes, reason: reason, now)
        }
    }

    mutating func cancel(_ ids: [JobID], reason: String, _ now: StoreTime) throws {
        try found(ids) { job in
            switch job.place {
            case .done, .expired:
                throw StintError.invalidInput(
                    "job \(job.id) is \(job.place.state.rawValue): it is over already and cannot be cancelled")
            case .ready, .delayed, .leased, .buried, .cancelled: return
            }
        }
        for id in ids {
            guard let job = jobs[id] else { continue }
            if case .cancelled = job.place { continue }
            takeFromHolder(job)
            cancel(job, reason: reason, now)
        }
    }

    private mutating func cancel(_ job: Job, reason: String, _ now: StoreTime) {
        queues[job.queue]!.cancelled += 1
        end(job.id, as: .cancelled(at: now.wall, reason: reason.replacing("\0", with: "\u{FFFD}")))
    }

    /// Puts a job into a state in which it is over, or forgets it if its queue keeps none.
    mutating func end(_ id: JobID, as place: Place) {
        guard let job = jobs[id], queues[job.queue]!.retention > .zero else { return forget(id) }
        jobs[id]!.place = place
    }

    mutating func delete(_ ids: [JobID]) throws {
        var seen: Set<JobID> = []
        try found(ids) { job in
            if !seen.insert(job.id).inserted { throw StintError.notFound(job.id) }
        }
        for id in ids {
            if let job = jobs[id] { takeFromHolder(job) }
            forget(id)
        }
    }

    private mutating func takeFromHolder(_ job: Job) {
        // In a strict order its group may have waited for it.
        if case .delayed = job.place, job.options.group != nil { wakes = true }
        guard case .leased(let token) = job.place else { return }
        revokes = true
        endLease(of: job.id, token)
    }

    // MARK: - Many jobs of a queue

    mutating func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int, _ now: StoreTime
    ) throws -> SelectionStep {
        let states = selection.possibleStates.filter(change.states.contains)
        let step = try select(selection, states, from: cursor, limit: limit, now)
        for id in step.jobs {
            guard let job = jobs[id] else { continue }
            takeFromHolder(job)
            switch change {
            case .kick: wait(id, after: .zero, now)
            case .bury(let reason): bury(id, attempts: job.attempts, crashes: job.crashes, reason: reason, now)
            case .cancel(let reason): cancel(job, reason: reason, now)
            case .delete: forget(id)
            }
        }
        return step
    }

    // MARK: - Lists

    /// The order of the jobs of a state in lists, before their ids.
    static func order(of job: Job) -> Int64 {
        switch job.place {
        case .ready: Int64(job.options.priority)
        case .delayed(let time): time
        case .leased, .buried: 0
        case .done(let time), .cancelled(let time, _), .expired(let time, _): time
        }
    }

    func record(_ job: Job) -> JobRecord {
        var times:
            (
                runAt: Timestamp?, leaseExpiresAt: Timestamp?, buriedAt: Timestamp?, doneAt: Timestamp?,
                cancelledAt: Timestamp?, expiredAt: Timestamp?
            )
        switch job.place {
        case .ready: break
        case .delayed(let time): times.runAt = time
        case .leased(let token): times.leaseExpiresAt = leases[token]?.expiresAt
        case .buried(let time, _): times.buriedAt = time
        case .done(let time): times.doneAt = time
        case .cancelled(let time, _): times.cancelledAt = time
        case .expired(let time, _): times.expiredAt = time
        }
        var record = JobRecord(
            id: job.id, queue: job.queue, state: job.place.state, priority: job.options.priority,
            attempts: Int(job.attempts), maxAttempts: job.options.maxAttempts, crashes: Int(job.crashes),
            maxCrashes: job.options.maxCrashes, suspect: job.isSuspect, contentType: job.contentType,
            headers: job.options.headers, payloadBytes: job.payloadBytes,
            timeToRunMilliseconds: job.options.timeToRun?.wholeMilliseconds,
            uniqueKey: job.holdsKey ? job.options.uniqueKey : nil,
            enqueuedAt: job.enqueuedAt, runAt: times.runAt, leaseExpiresAt: times.leaseExpiresAt,
            buriedAt: times.buriedAt, doneAt: times.doneAt, cancelledAt: times.cancelledAt, expiredAt: times.expiredAt,
            expiresAt: job.place.state.isOver ? nil : job.expiresAt)
        record.group = job.options.group
        record.events = job.digest?.open.events
        switch job.place {
        case .ready, .delayed: break
        case .leased(let token):
            record.token = token
            record.worker = leases[token]?.worker
        case .buried(_, let reason): record.reason = reason
        case .done: record.uniqueKey = nil
        case .cancelled(_, let reason), .expired(_, let reason):
            record.reason = reason
            record.uniqueKey = nil
        }
        return record
    }
}
