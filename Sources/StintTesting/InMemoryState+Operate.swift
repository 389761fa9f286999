import StintCore

/// Operators' calls.
extension InMemoryState {
    enum Applied {
        case changed
        /// It has already what the change would do.
        case unchanged
        /// Its unique key is another job's in the queue to which it should go.
        case keyTaken
    }

    /// Checks all ids before its first change.
    mutating func change(_ ids: [JobID], _ change: JobChange, _ now: StoreTime) throws {
        // Each is changed in turn, so a job that is named twice is in the state that the first time has left.
        var after = self
        for id in ids {
            guard let job = after.jobs[id] else { throw StintError.notFound(id) }
            let state = job.place.state
            if change.isDone(in: state) { continue }
            guard change.applies(to: state) else { throw change.refusal(of: id, in: state) }
            guard after.apply(change, to: job, now) == .keyTaken, case .move(let queue) = change else { continue }
            throw StintError.keyTaken(id, in: queue)
        }
        self = after
    }

    /// Changes a job in a state that the change applies to.
    @discardableResult
    mutating func apply(_ change: JobChange, to job: Job, _ now: StoreTime) -> Applied {
        switch change {
        case .kick: wait(job.id, after: .zero, now)
        case .kickLater(let delay): wait(job.id, after: delay, now)
        case .runNow:
            takeFromHolder(job)
            wait(
                job.id, after: .zero, attempts: job.attempts, crashes: job.crashes, isSuspect: job.isSuspect, now)
        case .bury(let reason):
            takeFromHolder(job)
            bury(job.id, attempts: job.attempts, crashes: job.crashes, reason: reason, now)
        case .cancel(let reason):
            takeFromHolder(job)
            cancel(job, reason: reason, now)
        case .delete:
            takeFromHolder(job)
            forget(job.id)
        case .move(let queue): return move(job, to: queue, now)
        case .setPriority(let priority):
            guard job.options.priority != priority else { return .unchanged }
            jobs[job.id]!.options.priority = priority
        }
        return .changed
    }

    private mutating func move(_ job: Job, to queue: QueueName, _ now: StoreTime) -> Applied {
        makeQueue(queue)
        guard queue != job.queue else { return .unchanged }
        if job.holdsKey, let key = job.options.uniqueKey, let holder = holder(of: key, in: queue) {
            guard jobs[holder]!.place.state.isWaiting, jobs[holder]!.isExpired(now) else { return .keyTaken }
            jobs[holder]!.holdsKey = false
        }
        takeFromHolder(job)
        jobs[job.id]!.queue = queue
        if job.place.state == .ready { putInLine(job.id) }
        wakes = true
        return .changed
    }

    private mutating func cancel(_ job: Job, reason: String, _ now: StoreTime) {
        queues[job.queue]!.cancelled += 1
        note(job.queue, now) { $0.cancelled += 1 }
        end(job.id, as: .cancelled(at: now.wall, reason: reason.replacing("\0", with: "\u{FFFD}")))
    }

    /// Puts a job into a state in which it is over, or forgets it if its queue keeps none.
    mutating func end(_ id: JobID, as place: Place) {
        guard let job = jobs[id], queues[job.queue]!.retention > .zero else { return forget(id) }
        jobs[id]!.place = place
    }

    mutating func takeFromHolder(_ job: Job) {
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
        let step = try select(selection, states, for: change, from: cursor, limit: limit, now)
        var changed: [JobID] = []
        for id in step.jobs {
            if let job = jobs[id], apply(change, to: job, now) == .changed { changed.append(id) }
        }
        return SelectionStep(jobs: changed, next: step.next, start: step.start)
    }

    // MARK: - Lists

    /// The order of the jobs of a state in lists, before their ids.
    static func order(of job: Job) -> Int64 {
        switch job.place {
        case .ready: Int64(job.options.priority)
        case .delayed(let time): time
        case .leased: 0
        case .buried: job.burial
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
