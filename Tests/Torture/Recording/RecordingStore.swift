import History
import StintCore

/// A store that writes into a history what is asked of it and what it answers.
package struct RecordingStore: JobStore {
    private let store: any JobStore
    private let record: Recorder

    package init(_ store: any JobStore, _ log: HistoryLog) {
        self.store = store
        record = Recorder(log)
    }

    package func enqueue(_ jobs: [NewJob], now: Moment) async throws -> [Enqueued] {
        try await record(
            .enqueue(
                jobs.map {
                    .init(
                        reference: String(decoding: $0.payload, as: UTF8.self), queue: $0.queue.description,
                        uniqueKey: $0.options.uniqueKey)
                })
        ) {
            try await store.enqueue(jobs, now: now)
        } answer: {
            .enqueued($0.map { .init(job: $0.id.rawValue, isDuplicate: $0.isDuplicate) })
        }
    }

    package func exchange(
        _ settlements: [Settlement], for request: ClaimRequest?, now: Moment
    ) async throws -> Exchange {
        try await record(
            .exchange(
                settlements.map { .init(Call.Lease($0.lease), $0.outcome.recorded) },
                claim: request.map {
                    .init(
                        worker: $0.registration?.rawValue, deadline: now.monotonic + $0.duration.milliseconds,
                        boot: now.boot)
                })
        ) {
            try await store.exchange(settlements, for: request, now: now)
        } answer: { exchange in
            .exchanged(
                exchange.answers.map(\.recorded),
                claimed: exchange.jobs.map {
                    .init(
                        lease: Call.Lease($0.lease), queue: $0.queue.description, attempt: $0.attempt,
                        maxAttempts: $0.maxAttempts, runsAlone: $0.runsAlone)
                })
        }
    }

    package func extend(_ leases: [Lease], by duration: Duration, now: Moment) async throws -> [Lease] {
        try await record(
            .extend(leases.map { Call.Lease($0) }, deadline: now.monotonic + duration.milliseconds)
        ) {
            try await store.extend(leases, by: duration, now: now)
        } answer: {
            .extended(lost: $0.map { Call.Lease($0) })
        }
    }

    package func kick(_ ids: [JobID], now: Moment) async throws {
        try await record(.kick(jobs: ids.map(\.rawValue))) { try await store.kick(ids, now: now) }
    }

    package func bury(_ ids: [JobID], reason: String, now: Moment) async throws {
        try await record(.bury(jobs: ids.map(\.rawValue))) { try await store.bury(ids, reason: reason, now: now) }
    }

    package func delete(_ ids: [JobID], now: Moment) async throws {
        try await record(.delete(jobs: ids.map(\.rawValue))) { try await store.delete(ids, now: now) }
    }

    package func runNow(_ ids: [JobID], now: Moment) async throws {
        try await store.runNow(ids, now: now)
    }

    package func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int, now: Moment
    ) async throws -> SelectionStep {
        // Which jobs it will be is not known before: those that it would be now.
        let jobs = try await store.select(selection, from: cursor, limit: limit).jobs.map(\.rawValue)
        let call: Call =
            switch change {
            case .kick: .kickQueue(selection.queue.description)
            case .bury: .bury(jobs: jobs)
            case .delete: .delete(jobs: jobs)
            }
        return try await record(call) {
            try await store.change(selection, change, from: cursor, limit: limit, now: now)
        }
    }

    package func select(
        _ selection: JobSelection, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await store.select(selection, from: cursor, limit: limit)
    }

    package func reap(now: Moment) async throws -> ReapReport {
        try await record(.reap(monotonic: now.monotonic, boot: now.boot)) { try await store.reap(now: now) }
    }

    package func register(
        _ worker: WorkerRegistration, as id: WorkerID?, now: Moment
    ) async throws -> RegisteredWorker {
        try await record(.register) {
            try await store.register(worker, as: id, now: now)
        } answer: {
            .registered(worker: $0.id.rawValue)
        }
    }

    package func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try await record(.lookUp(worker: worker.rawValue)) {
            try await store.leases(heldBy: worker)
        } answer: {
            .held($0.map { Call.Lease($0.lease) })
        }
    }

    package func takeBack(from workers: [WorkerID], _ end: WorkerEnd, now: Moment) async throws -> ReapReport {
        var blames = false
        if case .died = end { blames = true }
        return try await record(.takeBack(workers: workers.map(\.rawValue), blames: blames)) {
            try await store.takeBack(from: workers, end, now: now)
        }
    }

    package func registerSupervisor() async throws -> (any SupervisorSign)? { try await store.registerSupervisor() }

    // MARK: - Not recorded: they change no job

    package func configure(_ queue: QueueName, _ settings: QueueSettings, now: Moment) async throws {
        try await store.configure(queue, settings, now: now)
    }

    package func deregister(_ worker: WorkerID, now: Moment) async throws {
        try await store.deregister(worker, now: now)
    }

    package func checkStillThere() throws { try store.checkStillThere() }

    package func stats() async throws -> [QueueStats] { try await store.stats() }
    package func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await store.page(filter, after: cursor)
    }
    package func job(_ id: JobID) async throws -> JobDetails? { try await store.job(id) }
    package func workers() async throws -> [WorkerRecord] { try await store.workers() }
    package func deadWorkers() async throws -> [WorkerRecord] { try await store.deadWorkers() }
    package func requestRestart(now: Moment) async throws { try await store.requestRestart(now: now) }
    package func latestRestartRequest() async throws -> Int64 { try await store.latestRestartRequest() }
    package func failures(limit: Int) async throws -> [FailedJob] { try await store.failures(limit: limit) }

    package func nextReady(
        in queues: [QueueName], passingOverSuspects: Bool, now: Moment
    ) async throws -> NextReady {
        try await store.nextReady(in: queues, passingOverSuspects: passingOverSuspects, now: now)
    }

    package func isClaimable(_ job: JobID) async throws -> Bool { try await store.isClaimable(job) }

    package func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> { store.wakeUps(in: queues) }
}

extension JobContext {
    /// Runs `body` as this job's handler, recorded. It is finished when `body` has returned.
    package func recorded(in log: HistoryLog, _ body: () async throws -> Void) async throws {
        log.started(job)
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
    func started(_ job: LeasedJob) {
        append(.handlerStarted(job: job.id.rawValue, token: job.lease.token.rawValue))
    }

    func finished(_ job: LeasedJob) {
        append(.handlerFinished(job: job.id.rawValue, token: job.lease.token.rawValue))
    }
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
        }
    }
}
