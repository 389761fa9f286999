import History
import StintCore
import StintPlatform

/// A store that writes its calls and its answers into a history.
package struct RecordingStore: StoreWrapper {
    package let base: any JobStore
    let record: Recorder
    /// The clock of the store, for the checker of the history.
    let clock: any QueueClock

    package init(_ store: any JobStore, _ log: HistoryLog, clock: any QueueClock = SystemClock()) {
        base = store
        self.clock = clock
        record = Recorder(log)
    }

    private init(_ store: any JobStore, _ other: RecordingStore) {
        base = store
        (record, clock) = (other.record, other.clock)
    }

    package func wrapping(_ base: any JobStore) -> RecordingStore { RecordingStore(base, self) }

    package func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] {
        let wall = jobs.contains { $0.options.idempotencyKey != nil } ? clock.now().wall : 0
        return try await record(
            .enqueue(
                jobs.map {
                    .init(
                        reference: String(decoding: $0.payload, as: UTF8.self), queue: $0.queue.description,
                        uniqueKey: $0.options.uniqueKey, conflict: $0.options.onConflict.recorded,
                        expires: $0.options.expires?.milliseconds, group: $0.options.group,
                        priority: $0.options.priority, isDelayed: $0.options.firstDelay > .zero ? true : nil,
                        idempotency: $0.options.idempotencyKey.map { .init(key: $0, wall: wall) })
                })
        ) {
            try await base.enqueue(jobs)
        } answer: {
            .enqueued($0.map { .init(job: $0.id.rawValue, isDuplicate: $0.isDuplicate, joined: $0.hasJoined) })
        }
    }

    package func exchange(
        _ settlements: [Settlement], for request: ClaimRequest?
    ) async throws -> Exchange {
        let now = clock.now()
        return try await record(
            .exchange(
                settlements.map { .init(Call.Lease($0.lease), $0.outcome.recorded) },
                claim: request.map {
                    .init(
                        worker: $0.registration?.rawValue, deadline: now.monotonic + $0.duration.milliseconds,
                        boot: now.boot, wall: now.wall, limit: $0.limit, idleSlots: $0.idleSlots)
                })
        ) {
            try await base.exchange(settlements, for: request)
        } answer: { exchange in
            .exchanged(
                exchange.answers.map(\.recorded),
                claimed: exchange.jobs.map {
                    .init(
                        lease: Call.Lease($0.lease), queue: $0.queue.description, attempt: $0.attempt,
                        maxAttempts: $0.maxAttempts, runsAlone: $0.runsAlone,
                        expiresAt: $0.expiresAtMilliseconds)
                })
        }
    }

    package func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        let now = clock.now()
        return try await record(
            .extend(leases.map { Call.Lease($0) }, deadline: now.monotonic + duration.milliseconds)
        ) {
            try await base.extend(leases, by: duration)
        } answer: {
            .extended(lost: $0.map { Call.Lease($0) })
        }
    }

    package func kick(_ ids: [JobID]) async throws {
        try await record(.kick(jobs: ids.map(\.rawValue))) { try await base.kick(ids) }
    }

    package func bury(_ ids: [JobID], reason: String) async throws {
        try await record(.bury(jobs: ids.map(\.rawValue))) { try await base.bury(ids, reason: reason) }
    }

    package func cancel(_ ids: [JobID], reason: String) async throws {
        try await record(.cancel(jobs: ids.map(\.rawValue), isCertain: true)) {
            try await base.cancel(ids, reason: reason)
        }
    }

    package func delete(_ ids: [JobID]) async throws {
        try await record(.delete(jobs: ids.map(\.rawValue))) { try await base.delete(ids) }
    }

    package func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        // Which jobs it will change is not known before: these are the ones that it would change now.
        let jobs = try await base.select(selection, from: cursor, limit: limit).jobs.map(\.rawValue)
        let call: Call =
            switch change {
            case .kick: .kickQueue(selection.query.queue!.description)
            case .bury: .bury(jobs: jobs)
            case .cancel: .cancel(jobs: jobs, isCertain: false)
            case .delete: .delete(jobs: jobs)
            case .kickLater, .runNow, .move, .setPriority: .kickQueue(selection.query.queue!.description)
            }
        return try await record(call) {
            try await base.change(selection, change, from: cursor, limit: limit)
        }
    }

    package func reap() async throws -> ReapReport {
        let now = clock.now()
        return try await record(.reap(monotonic: now.monotonic, boot: now.boot)) {
            try await base.reap()
        } answer: {
            $0.repairedGroups > 0 ? .repaired(groups: $0.repairedGroups) : .done
        }
    }

    package func register(
        _ worker: WorkerRegistration, as id: WorkerID?
    ) async throws -> RegisteredWorker {
        try await record(id == nil ? .register : .renew) {
            try await base.register(worker, as: id)
        } answer: {
            .registered(
                worker: $0.id.rawValue, writesThroughSupervisor: worker.writesThroughSupervisor ? true : nil)
        }
    }

    package func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try await record(.lookUp(worker: worker.rawValue)) {
            try await base.leases(heldBy: worker)
        } answer: {
            .held($0.map { Call.Lease($0.lease) })
        }
    }

    package func reclaimDead() async throws -> ReapReport { try await reclaimDead(among: workers()) }

    package func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        var blames = false
        if case .died = end { blames = true }
        return try await record(.reclaim(workers: workers.map(\.rawValue), blames: blames)) {
            try await base.reclaim(from: workers, end)
        }
    }

    package func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        guard settings.changesLimits else { return try await base.configure(queue, settings) }
        try await record(.limit(queue: queue.description, Call.Limits(settings))) {
            try await base.configure(queue, settings)
        }
    }

    package func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try await record(.weigh(queue: queue.description, group: group, weight: weight)) {
            try await base.setWeight(weight, ofGroup: group, in: queue)
        }
    }

    /// Operations are not recorded, except that one kicks.
    package func begin(_ operation: NewOperation) async throws -> BulkOperation {
        if case .kick = operation.change, let queue = operation.selection.query.queue {
            record.begun(.kickQueue(queue.description))
        }
        return try await base.begin(operation)
    }

    // MARK: - Looks of its own

    // The trials' workers and reapers look at their own intervals, so that a lost wake-up of the store is found.
    package var safetyLookInterval: Duration? { nil }
    package func reapSignals(every interval: Duration) -> AsyncStream<Void> { Self.signals(every: interval) }
    package func restartSignals(every interval: Duration) -> AsyncStream<Void> { Self.signals(every: interval) }
}

extension JobContext {
    /// Runs `body` as this job's handler, recorded. It is finished when `body` has returned.
    package func recorded(in log: HistoryLog, _ body: () async throws -> Void) async throws {
        log.started(job, at: SystemClock().now())
        do {
            try await body()
        } catch {
            log.append(.handlerThrew(job: job.id.rawValue, token: job.lease.token.rawValue))
            throw error
        }
        log.finished(job)
    }
}

extension HistoryLog {
    func started(_ job: LeasedJob, at now: ClockReading? = nil) {
        if let events = job.events {
            append(
                .handedEvents(
                    job: job.id.rawValue, token: job.lease.token.rawValue,
                    references: events.map { String(decoding: $0, as: UTF8.self) }))
        }
        append(.handlerStarted(job: job.id.rawValue, token: job.lease.token.rawValue, wall: now?.wall))
    }

    func finished(_ job: LeasedJob) {
        append(.handlerFinished(job: job.id.rawValue, token: job.lease.token.rawValue))
    }
}

extension ConflictPolicy {
    var recorded: Call.NewJob.Conflict? {
        switch self {
        case .keep: nil
        case .replace: .replace
        case .collect: .collect
        }
    }
}

extension Call.Limits {
    init(_ settings: QueueSettings) {
        func rate(_ limit: Limit<StintCore.Rate>?) -> Rate? {
            limit.map { limit in
                limit.value.map { Rate(starts: $0.starts, window: $0.window.milliseconds) } ?? .none
            }
        }
        self.init(
            concurrency: settings.concurrency.map { $0.value ?? 0 }, rate: rate(settings.rate),
            groupConcurrency: settings.groupConcurrency.map { $0.value ?? 0 }, groupRate: rate(settings.groupRate),
            isLoose: settings.groupOrder.map { $0 == .loose }, isFair: settings.isFair)
    }
}

extension Enqueued {
    var hasJoined: Bool? {
        switch outcome {
        case .added, .duplicate: nil
        case .replaced, .collected: true
        }
    }
}

extension LeasedJob {
    /// By which a history knows it: its payload, or that of its first event.
    package var reference: String { String(decoding: events?.first ?? payload, as: UTF8.self) }
}

extension Call.Lease {
    init(_ lease: Lease) {
        self.init(job: lease.job.rawValue, token: lease.token.rawValue)
    }
}

extension Settlement.Outcome {
    var recorded: Call.Outcome {
        switch self {
        case .ack: .ack
        case .release: .release
        case .suspect: .suspect
        case .fail: .fail
        case .crash: .crash
        case .bury: .bury
        case .expire: .expire
        case .refuse: .refuse
        }
    }
}

extension Settlement.Answer {
    var recorded: Answer.Settled {
        switch self {
        case .leaseLost: .leaseLost
        case .settled(.ready): .ready
        case .settled(.delayed): .delayed
        case .settled(.leased): .leased
        case .settled(.buried): .buried
        case .settled(.done): .done
        case .settled(.expired): .expired
        case .settled(.cancelled): .leaseLost
        }
    }
}
