import History
import StintCore
import StintPlatform

/// A store that writes its calls and its answers into a history.
package struct RecordingStore: JobStore {
    let store: any JobStore
    let record: Recorder
    /// The clock of the store, for the checker of the history.
    let clock: any QueueClock

    package init(_ store: any JobStore, _ log: HistoryLog, clock: any QueueClock = SystemClock()) {
        self.store = store
        self.clock = clock
        record = Recorder(log)
    }

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
            try await store.enqueue(jobs)
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
            try await store.exchange(settlements, for: request)
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
            try await store.extend(leases, by: duration)
        } answer: {
            .extended(lost: $0.map { Call.Lease($0) })
        }
    }

    package func kick(_ ids: [JobID]) async throws {
        try await record(.kick(jobs: ids.map(\.rawValue))) { try await store.kick(ids) }
    }

    package func bury(_ ids: [JobID], reason: String) async throws {
        try await record(.bury(jobs: ids.map(\.rawValue))) { try await store.bury(ids, reason: reason) }
    }

    package func cancel(_ ids: [JobID], reason: String) async throws {
        try await record(.cancel(jobs: ids.map(\.rawValue), isCertain: true)) {
            try await store.cancel(ids, reason: reason)
        }
    }

    package func delete(_ ids: [JobID]) async throws {
        try await record(.delete(jobs: ids.map(\.rawValue))) { try await store.delete(ids) }
    }

    package func runNow(_ ids: [JobID]) async throws {
        try await store.runNow(ids)
    }

    package func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        // Which jobs it will change is not known before: these are the ones that it would change now.
        let jobs = try await store.select(selection, from: cursor, limit: limit).jobs.map(\.rawValue)
        let call: Call =
            switch change {
            case .kick: .kickQueue(selection.query.queue!.description)
            case .bury: .bury(jobs: jobs)
            case .cancel: .cancel(jobs: jobs, isCertain: false)
            case .delete: .delete(jobs: jobs)
            case .kickLater, .runNow, .move, .setPriority: .kickQueue(selection.query.queue!.description)
            }
        return try await record(call) {
            try await store.change(selection, change, from: cursor, limit: limit)
        }
    }

    package func select(
        _ selection: JobSelection, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await store.select(selection, from: cursor, limit: limit)
    }

    package func reap() async throws -> ReapReport {
        let now = clock.now()
        return try await record(.reap(monotonic: now.monotonic, boot: now.boot)) {
            try await store.reap()
        } answer: {
            $0.repairedGroups > 0 ? .repaired(groups: $0.repairedGroups) : .done
        }
    }

    package func register(
        _ worker: WorkerRegistration, as id: WorkerID?
    ) async throws -> RegisteredWorker {
        try await record(.register) {
            try await store.register(worker, as: id)
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

    package func reclaimDead() async throws -> ReapReport { try await reclaimDead(among: workers()) }

    package func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        var blames = false
        if case .died = end { blames = true }
        return try await record(.reclaim(workers: workers.map(\.rawValue), blames: blames)) {
            try await store.reclaim(from: workers, end)
        }
    }

    package func registerSupervisor() async throws -> (any SupervisorSign)? { try await store.registerSupervisor() }

    package func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        guard settings.changesLimits else { return try await store.configure(queue, settings) }
        try await record(.limit(queue: queue.description, Call.Limits(settings))) {
            try await store.configure(queue, settings)
        }
    }

    package func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try await record(.weigh(queue: queue.description, group: group, weight: weight)) {
            try await store.setWeight(weight, ofGroup: group, in: queue)
        }
    }

    // MARK: - Not recorded: they change no job

    package func deregister(_ worker: WorkerID) async throws {
        try await store.deregister(worker)
    }

    package func close() async { await store.close() }

    package func checkStillThere() throws { try store.checkStillThere() }

    package func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] {
        try await store.groups(of: queue, limit: limit)
    }

    package func queue(_ name: QueueName) async throws -> QueueDetails? { try await store.queue(name) }

    package func waitReason(of job: JobID) async throws -> WaitReason? { try await store.waitReason(of: job) }

    package func indexText() async throws -> Int { try await store.indexText() }
    package func stats() async throws -> [QueueStats] { try await store.stats() }
    package func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        try await store.activity(of: queues, last: last)
    }
    package func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await store.page(filter, after: cursor)
    }
    package func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        try await store.count(query, after: cursor)
    }

    package func errorGroups(
        _ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?
    ) async throws -> ErrorGroupPage {
        try await store.errorGroups(filter, after: cursor)
    }

    package func job(_ id: JobID) async throws -> JobDetails? { try await store.job(id) }
    package func workers() async throws -> [WorkerRecord] { try await store.workers() }
    package func requestRestart() async throws { try await store.requestRestart() }
    package func latestRestartRequest() async throws -> Int64 { try await store.latestRestartRequest() }
    package func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await store.order(order, to: worker)
    }
    package func order(of worker: WorkerID) async throws -> WorkerOrder? { try await store.order(of: worker) }
    package func failures(limit: Int) async throws -> [FailedJob] { try await store.failures(limit: limit) }
    package func deaths(limit: Int) async throws -> [FailedJob] { try await store.deaths(limit: limit) }

    package func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        try await store.exportJobs(of: queues, after: id, limit: limit)
    }

    package func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs { try await store.importJobs(jobs) }

    package func nextReady(
        in queues: [QueueName], passingOverSuspects: Bool
    ) async throws -> NextReady {
        try await store.nextReady(in: queues, passingOverSuspects: passingOverSuspects)
    }

    package func isClaimable(_ job: JobID) async throws -> Bool { try await store.isClaimable(job) }

    // MARK: - Operations: not recorded, except that one kicks

    package func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try await store.change(ids, change, by: actor)
    }

    package func begin(_ operation: NewOperation) async throws -> BulkOperation {
        if case .kick = operation.change, let queue = operation.selection.query.queue {
            record.begun(.kickQueue(queue.description))
        }
        return try await store.begin(operation)
    }

    package func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        try await store.beginRestore(of: operation, by: actor)
    }

    package func step(by driver: OperationDriver) async throws -> OperationStep {
        try await store.step(by: driver)
    }

    package func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try await store.control(operation, control)
    }

    package func operation(_ id: OperationID) async throws -> BulkOperation? { try await store.operation(id) }

    package func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        try await store.operations(limit: limit, before: id)
    }

    // MARK: - Webhooks

    package func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try await store.setWebhook(webhook, keepsSecret: keepsSecret)
    }

    package func webhooks() async throws -> [WebhookRecord] { try await store.webhooks() }
    package func webhook(_ name: String) async throws -> Webhook? { try await store.webhook(name) }
    package func deleteWebhook(_ name: String) async throws { try await store.deleteWebhook(name) }
    package func testWebhook(_ name: String) async throws -> Enqueued { try await store.testWebhook(name) }
    package func notifyWebhooks() async throws -> Int { try await store.notifyWebhooks() }

    package func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try await store.noteDelivery(delivery, of: webhook)
    }

    package func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> { store.wakeUps(in: queues) }
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
