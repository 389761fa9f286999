import StintCore

/// What happened in queues, by time.
extension InMemoryState {
    struct ActivityLog: Sendable {
        var total = ActivityCounts()
        var buckets: [ActivityPeriod: [Timestamp: ActivityCounts]] = [:]

        mutating func add(_ counts: ActivityCounts, at time: Timestamp) {
            total += counts
            for period in ActivityPeriod.allCases {
                let start = period.start(of: time)
                if buckets[period]?[start] == nil {
                    let kept = period.keptStarts(now: time)
                    buckets[period] = (buckets[period] ?? [:]).filter { kept.contains($0.key) }
                }
                buckets[period]![start, default: ActivityCounts()] += counts
            }
        }
    }

    mutating func note(_ queue: QueueName, _ now: StoreTime, _ add: (inout ActivityCounts) -> Void) {
        var counts = ActivityCounts()
        add(&counts)
        queues[queue]!.activity.add(counts, at: now.wall)
    }

    /// After a claim has taken a job.
    mutating func noteStart(of job: Job, _ now: StoreTime) {
        note(job.queue, now) { counts in
            counts.started += 1
            counts.timeInQueue.add(.milliseconds(now.wall - job.readyAt))
        }
    }

    func activity(of names: [QueueName]?, last: Duration, _ now: StoreTime) -> [QueueActivity] {
        let period = ActivityPeriod.covering(last)
        let starts = period.starts(last: last, now: now.wall)
        return queues.filter { names?.contains($0.key) ?? true }.map { name, queue in
            let buckets = (queue.activity.buckets[period] ?? [:]).filter { starts?.contains($0.key) == true }
            return QueueActivity(
                queue: name, total: queue.activity.total, oldestReady: oldestReady(in: name, now), period: period,
                buckets: buckets.sorted { $0.key < $1.key }.map {
                    ActivityBucket(startMilliseconds: $0.key, counts: $0.value)
                }, starts: starts, readAtMilliseconds: now.wall)
        }.sorted { $0.queue.description.utf8.lexicographicallyPrecedes($1.queue.description.utf8) }
    }

    func oldestReady(in queue: QueueName, _ now: StoreTime) -> Duration? {
        jobs.values.compactMap { job -> Timestamp? in
            guard job.queue == queue else { return nil }
            switch job.place {
            case .ready: return job.readyAt
            case .delayed(let time): return time <= now.wall ? time : nil
            case .leased, .buried, .done, .cancelled, .expired: return nil
            }
        }.min().map { .milliseconds(max(0, now.wall - $0)) }
    }
}
