import StintCore

/// The state of an in-memory store, with its rules as methods. Decisions about attempts and blame are in StintCore's
/// Policy.
struct InMemoryState: Sendable {
    /// How many attempts that did not succeed are kept for a job.
    static let failuresPerJob = 50
    /// How many jobs one step of a walk over a selection looks at.
    static let rowsPerStep = 1_000

    /// The lease of the jobs that one claim took from one queue.
    struct GrantedLease: Sendable {
        let token: FencingToken
        let queue: QueueName
        let worker: String
        let registration: WorkerID?
        var deadline: Int64
        var duration: Int64
        var expiresAt: Timestamp
        let claimedAt: Timestamp
        var jobs: Set<JobID>
        /// When a reap first found it past its deadline.
        var overdueSince: Int64?
    }

    struct Worker: Sendable {
        let registration: WorkerRegistration
        let registeredAt: Timestamp
        var seen: Int64
        let scoreboard: InMemoryScoreboard
        var liveness: Liveness
        var order: WorkerOrder?
    }

    /// Whether it knows which workers live: the test simulates their deaths.
    let provesDeaths: Bool

    var jobs: [JobID: Job] = [:]
    var lastJob: Int64 = 0
    var lastBurial: Int64 = 0
    /// What was enqueued with an idempotency key, by queue and key.
    var idempotencyKeys: [QueueName: [[UInt8]: (job: JobID, at: Timestamp)]] = [:]
    var queues: [QueueName: Queue] = [:]
    var groups: [GroupKey: Group] = [:]
    var groupOrder: [GroupKey: Int] = [:]
    var starts: [Start] = []
    var leases: [FencingToken: GrantedLease] = [:]
    var lastToken: Int64 = 0
    var workers: [WorkerID: Worker] = [:]
    var lastWorker: Int64 = 0
    var supervisors: Set<String> = []
    var lastSupervisor = 0
    var restarts: Int64 = 0
    /// By name.
    var schedules: [[UInt8]: KeptSchedule] = [:]
    /// By name.
    var webhooks: [[UInt8]: KeptWebhook] = [:]
    var operations: [OperationID: KeptOperation] = [:]
    var lastOperation: Int64 = 0
    /// Jobs that an operation has deleted, and that can be brought back.
    var deleted: [JobID: DeletedJob] = [:]
    /// The failures of all jobs, oldest first.
    var failures: [(job: JobID, failure: JobFailure)] = []
    /// Whether jobs became ready or delayed in the current call, or a queue was resumed.
    var wakes = false
    /// Whether jobs were revoked from their holders in the current call.
    var revokes = false

    init(provesDeaths: Bool) {
        self.provesDeaths = provesDeaths
    }

    // MARK: - Jobs

    mutating func enqueue(_ new: [NewJob], _ now: StoreTime) -> [Enqueued] {
        new.map { job in
            makeQueue(job.queue)
            let keys = job.options.idempotencyKeys.map { Array($0.utf8) }
            let oldest = now.wall - JobOptions.idempotencyPeriod.wholeMilliseconds
            if !keys.isEmpty { idempotencyKeys[job.queue] = idempotencyKeys[job.queue]?.filter { $1.at > oldest } }
            for (index, key) in keys.enumerated() {
                guard let earlier = idempotencyKeys[job.queue]?[key] else { continue }
                for key in keys[..<index] {
                    idempotencyKeys[job.queue, default: [:]][key] = (earlier.job, now.wall)
                }
                return Enqueued(id: earlier.job, outcome: .duplicate)
            }
            let answer = enqueue(job, now)
            for key in keys { idempotencyKeys[job.queue, default: [:]][key] = (answer.id, now.wall) }
            return answer
        }
    }

    private mutating func enqueue(_ job: NewJob, _ now: StoreTime) -> Enqueued {
        if let key = job.options.uniqueKey, let holder = holder(of: key, in: job.queue) {
            // One that waits although its time is over never runs.
            let isOverdue = jobs[holder]!.place.state.isWaiting && jobs[holder]!.isExpired(now)
            if !isOverdue, let answer = merge(job, into: holder, now) { return answer }
            jobs[holder]!.holdsKey = false
        }
        lastJob += 1
        let id = JobID(rawValue: lastJob)
        jobs[id] = Job(
            id: id, queue: job.queue, payload: job.payload, contentType: job.contentType, options: job.options,
            enqueuedAt: now.wall, place: .ready,
            digest: job.options.onConflict == .collect ? Digest(job, now) : nil,
            holdsKey: job.options.uniqueKey != nil)
        wait(id, after: job.options.firstDelay, now)
        note(job.queue, now) { $0.enqueued += 1 }
        return Enqueued(id: id, outcome: .added)
    }

    func holder(of key: String, in queue: QueueName) -> JobID? {
        let bytes = Array(key.utf8)
        return jobs.values.first { job in
            if job.place.state.isOver || !job.holdsKey { return false }
            return job.queue == queue && job.options.uniqueKey.map { Array($0.utf8) == bytes } == true
        }?.id
    }

    /// Makes a job ready or delayed.
    mutating func wait(
        _ id: JobID, after delay: Duration, attempts: Int64 = 0, crashes: Int64 = 0, isSuspect: Bool = false,
        holdsGroup: Bool = false, _ now: StoreTime
    ) {
        jobs[id]!.place = delay > .zero ? .delayed(until: now.wall + delay.wholeMilliseconds) : .ready
        jobs[id]!.readyAt = now.wall
        jobs[id]!.attempts = attempts
        jobs[id]!.crashes = crashes
        jobs[id]!.isSuspect = isSuspect
        jobs[id]!.holdsGroup = holdsGroup
        if delay <= .zero { putInLine(id) }
        wakes = true
    }

    mutating func bury(_ id: JobID, attempts: Int64, crashes: Int64, reason: String, _ now: StoreTime) {
        jobs[id]!.place = .buried(at: now.wall, reason: reason.replacing("\0", with: "\u{FFFD}"))
        numberBurial(of: id)
        jobs[id]!.attempts = attempts
        jobs[id]!.crashes = crashes
        jobs[id]!.isSuspect = false
        note(jobs[id]!.queue, now) { $0.buried += 1 }
    }

    mutating func numberBurial(of id: JobID) {
        lastBurial += 1
        jobs[id]!.burial = lastBurial
    }

    mutating func forget(_ id: JobID) {
        jobs[id] = nil
        failures.removeAll { $0.job == id }
    }

    /// Removes a leased job from its lease.
    mutating func endLease(of id: JobID, _ token: FencingToken) {
        // Its end may let another job of its queue or group start.
        if let job = jobs[id], queues[job.queue]?.limits.isLimited == true {
            putInLine(id)
            wakes = true
        }
        leases[token]?.jobs.remove(id)
        if leases[token]?.jobs.isEmpty == true { leases[token] = nil }
    }

    /// Moves a job that has just left its lease as the rules say.
    mutating func move(
        _ id: JobID, _ transition: Transition, worker: String, _ diagnostics: AttemptDiagnostics?, _ now: StoreTime
    ) -> JobState {
        if let failure = transition.failure {
            var diagnostics = diagnostics
            diagnostics?.standardError?.replace("\0", with: "\u{FFFD}")
            let kept = JobFailure(
                attempt: Int(jobs[id]!.attempts), at: now.wall, kind: failure.kind,
                error: failure.error.replacing("\0", with: "\u{FFFD}"), worker: worker,
                diagnostics: diagnostics == AttemptDiagnostics() ? nil : diagnostics)
            failures.append((id, kept))
            note(jobs[id]!.queue, now) { $0.add(failure.kind) }
            jobs[id]!.failures.append(kept)
            if jobs[id]!.failures.count > Self.failuresPerJob {
                jobs[id]!.failures.removeFirst()
                failures.remove(at: failures.firstIndex { $0.job == id }!)
            }
        }
        switch transition.destination {
        case .done:
            let queue = jobs[id]!.queue
            queues[queue]!.done += 1
            note(queue, now) { $0.done += 1 }
            if queues[queue]!.retention > .zero { jobs[id]!.place = .done(at: now.wall) } else { forget(id) }
            return .done
        case .waiting(let delay, let attempts, let crashes, let isSuspect):
            wait(
                id, after: delay, attempts: attempts, crashes: crashes, isSuspect: isSuspect, holdsGroup: true, now)
            return jobs[id]!.place.state
        case .buried(let reason, let attempts, let crashes):
            bury(id, attempts: attempts, crashes: crashes, reason: reason, now)
            return .buried
        case .expired(let reason, let attempts, let crashes):
            jobs[id]!.attempts = attempts
            jobs[id]!.crashes = crashes
            queues[jobs[id]!.queue]!.expired += 1
            note(jobs[id]!.queue, now) { $0.expired += 1 }
            end(id, as: .expired(at: now.wall, reason: reason))
            return .expired
        }
    }

    /// Ends a waiting job whose time is over.
    mutating func expire(_ job: Job, _ now: StoreTime) {
        queues[job.queue]!.expired += 1
        note(job.queue, now) { $0.expired += 1 }
        end(job.id, as: .expired(at: now.wall, reason: Transition.expiryReason(attempts: job.attempts)))
    }
}
