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
        note(job.queue, now) { $0.cancelled += 1 }
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

    func select(
        _ selection: JobSelection, _ states: Set<JobState>, from cursor: SelectionCursor?, limit: Int
    ) -> SelectionStep {
        let order = JobState.allCases.filter(states.contains)
        let newest = cursor?.newest ?? lastJob
        let start = SelectionCursor(state: order.first ?? .ready, newest: newest)
        var place: SelectionCursor? = order.isEmpty ? nil : cursor ?? start
        var selected: [JobID] = []
        var seen = 0
        while let here = place {
            let rows = jobs.values.filter { job in
                job.queue == selection.queue && job.place.state == here.state && job.id.rawValue <= newest
                    && (Self.order(of: job), job.id.rawValue) > (here.position, here.job)
            }.sorted { (Self.order(of: $0), $0.id.rawValue) < (Self.order(of: $1), $1.id.rawValue) }
            for job in rows {
                if seen == Self.rowsPerStep { return SelectionStep(jobs: selected, next: place, start: start) }
                seen += 1
                place = SelectionCursor(
                    state: here.state, position: Self.order(of: job), job: job.id.rawValue, newest: newest)
                guard Self.meets(job, selection) else { continue }
                selected.append(job.id)
                if selected.count >= limit { return SelectionStep(jobs: selected, next: place, start: start) }
            }
            place = order.drop { $0 != here.state }.dropFirst().first
                .map { SelectionCursor(state: $0, newest: newest) }
        }
        return SelectionStep(jobs: selected, next: place, start: start)
    }

    mutating func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int, _ now: StoreTime
    ) -> SelectionStep {
        let step = select(selection, selection.states.intersection(change.states), from: cursor, limit: limit)
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

    private static func meets(_ job: Job, _ selection: JobSelection) -> Bool {
        if let time = selection.enqueuedBefore.map(StoredTime.timestamp), job.enqueuedAt >= time { return false }
        var reason: String?
        switch job.place {
        case .buried(_, let text), .cancelled(_, let text), .expired(_, let text): reason = text
        case .ready, .delayed, .leased, .done: break
        }
        if let error = selection.error {
            let texts = [reason, job.failures.last?.error].compactMap { $0.map { Array($0.utf8) } }
            if !texts.contains(where: { $0.contains(Array(error.utf8)) }) { return false }
        }
        if let since = selection.buriedSince.map(StoredTime.timestamp) {
            guard case .buried(let at, _) = job.place, at >= since else { return false }
        }
        return true
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

    func page(_ filter: JobFilter, after cursor: JobCursor?) -> JobPage {
        let limit = min(filter.limit, JobFilter.maximumLimit)
        var page = JobPage()
        var bytes = 0
        let all = JobState.allCases
        let first = cursor.flatMap { all.firstIndex(of: $0.state) } ?? 0
        for state in filter.state.map({ [$0] }) ?? Array(all[first...]) {
            guard page.jobs.count < limit else { break }
            let after = cursor?.state == state ? cursor : nil
            let rows = jobs.values.filter { job in
                job.place.state == state && (filter.queue == nil || job.queue == filter.queue)
            }.map { (place: place(of: $0, filter), job: $0) }
                .filter { row in after.map { Self.isBefore($0, row.place) } ?? true }
                .sorted { Self.isBefore($0.place, $1.place) }
            for (place, job) in rows.prefix(limit - page.jobs.count) {
                guard bytes < JobFilter.maximumBytes else { return page }
                let record = record(job)
                bytes += 200 + record.headers.byteCount + (record.reason?.utf8.count ?? 0)
                page.jobs.append(record)
                page.next = place
            }
            if bytes >= JobFilter.maximumBytes { return page }
        }
        if page.jobs.count < limit { page.next = nil }
        return page
    }

    private func place(of job: Job, _ filter: JobFilter) -> JobCursor {
        // Within one queue the queue does not matter; leased jobs are listed by their ids alone.
        let isLeased = job.place.state == .leased
        let queue = filter.queue == nil && !isLeased ? queues[job.queue]?.number ?? 0 : 0
        return JobCursor(state: job.place.state, queue: queue, order: Self.order(of: job), job: job.id.rawValue)
    }

    private static func isBefore(_ one: JobCursor, _ other: JobCursor) -> Bool {
        (one.queue, one.order, one.job) < (other.queue, other.order, other.job)
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
