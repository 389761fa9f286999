import StintCore

/// Jobs that go to another store, and that come from one.
extension InMemoryState {
    func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) -> ExportedJobs {
        let limit = max(1, min(limit, StoredJob.maximumCount))
        let rest = jobs.keys.filter { $0.rawValue > id?.rawValue ?? .min }.sorted()
        var (found, bytes): ([StoredJob], Int) = ([], 0)
        for id in rest {
            guard found.count < limit, bytes < StoredJob.maximumBytes else {
                return ExportedJobs(found, next: found.last?.id)
            }
            guard let job = jobs[id], queues?.contains(job.queue) ?? true else { continue }
            found.append(stored(job))
            bytes += job.payloadBytes
        }
        return ExportedJobs(found)
    }

    private func stored(_ job: Job) -> StoredJob {
        var stored = StoredJob(
            JobDetails(record: record(job), payload: job.payload, events: job.events, failures: job.failures))
        switch job.place {
        case .ready: stored.readyAt = job.readyAt
        case .delayed: stored.holdsGroup = job.holdsGroup
        case .buried: stored.burial = job.burial
        case .leased, .done, .cancelled, .expired: break
        }
        stored.wasClaimed = job.wasClaimed && stored.record.uniqueKey != nil
        stored.openedAt = job.digest?.open.openedAt
        stored.startLimit = job.digest?.open.startLimit
        return stored
    }

    /// Checks all jobs before its first change.
    mutating func importJobs(_ new: [StoredJob], _ now: StoreTime) throws -> ImportedJobs {
        var (after, answer) = (self, ImportedJobs())
        for job in new {
            if let earlier = after.jobs[job.id] ?? after.deleted[job.id]?.job {
                let isSame =
                    earlier.queue == job.record.queue && earlier.payload == job.payload
                    && earlier.enqueuedAt == StoredTime.timestamp(job.record.enqueuedAt)
                guard isSame else { throw StintError.idTaken(job.id) }
                answer.present += 1
            } else {
                try after.add(job.released(at: now.wall), now)
                answer.added += 1
            }
        }
        self = after
        return answer
    }

    private mutating func add(_ job: StoredJob, _ now: StoreTime) throws {
        let record = job.record
        makeQueue(record.queue)
        if !record.state.isOver, let key = record.uniqueKey, let holder = holder(of: key, in: record.queue) {
            guard jobs[holder]!.place.state.isWaiting, jobs[holder]!.isExpired(now) else {
                throw StintError.keyTaken(job.id, key, by: holder)
            }
            jobs[holder]!.holdsKey = false
        }
        let new = Job(job)
        jobs[job.id] = new
        lastJob = max(lastJob, job.id.rawValue)
        lastBurial = max(lastBurial, new.burial)
        failures += job.failures.map { (job.id, $0) }
        note(record.queue, now) { $0.enqueued += 1 }
        switch new.place {
        case .ready, .leased:
            putInLine(job.id)
            wakes = true
        case .delayed: wakes = true
        case .buried: note(record.queue, now) { $0.buried += 1 }
        case .done:
            queues[record.queue]!.done += 1
            note(record.queue, now) { $0.done += 1 }
        case .cancelled:
            queues[record.queue]!.cancelled += 1
            note(record.queue, now) { $0.cancelled += 1 }
        case .expired:
            queues[record.queue]!.expired += 1
            note(record.queue, now) { $0.expired += 1 }
        }
    }
}

extension InMemoryState.Job {
    /// A job that came from another store: it has no lease.
    fileprivate init(_ job: StoredJob) {
        let record = job.record
        let enqueuedAt = StoredTime.timestamp(record.enqueuedAt)
        var options = JobOptions(
            priority: record.priority, maxAttempts: record.maxAttempts, maxCrashes: record.maxCrashes,
            timeToRun: record.timeToRun, headers: record.headers, uniqueKey: record.uniqueKey, group: record.group,
            onConflict: job.events == nil ? .keep : .collect)
        options.expires = record.expiresAt.map { .milliseconds(StoredTime.timestamp($0) - enqueuedAt) }
        let (time, reason) = (job.stateTime ?? 0, (record.reason ?? "").replacing("\0", with: "\u{FFFD}"))
        let place: InMemoryState.Place =
            switch record.state {
            case .ready, .leased: .ready
            case .delayed: .delayed(until: time)
            case .buried: .buried(at: time, reason: reason)
            case .done: .done(at: time)
            case .cancelled: .cancelled(at: time, reason: reason)
            case .expired: .expired(at: time, reason: reason)
            }
        self.init(
            id: job.id, queue: record.queue, payload: job.payload, contentType: record.contentType, options: options,
            enqueuedAt: enqueuedAt, readyAt: job.readyAt ?? enqueuedAt, place: place,
            digest: job.events.map { events in
                InMemoryState.Digest(
                    open: OpenDigest(
                        openedAt: job.openedAt ?? enqueuedAt, startLimit: job.startLimit, events: events.count,
                        bytes: events.reduce(0) { $0 + $1.count }, contentType: record.contentType,
                        jobName: record.headers[Headers.jobName]), more: Array(events.dropFirst()))
            }, holdsKey: record.uniqueKey != nil, wasClaimed: job.wasClaimed, attempts: Int64(record.attempts),
            crashes: Int64(record.crashes), isSuspect: record.suspect, holdsGroup: job.holdsGroup,
            failures: job.failures, burial: job.burial ?? 0)
    }
}
