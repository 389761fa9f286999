/// A store that passes its calls on to another one, but for those that it implements itself.
package protocol ForwardingStore: JobStore {
    var base: any JobStore { get }
}

extension ForwardingStore {
    package func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] { try await base.enqueue(jobs) }

    package func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        try await base.exchange(settlements, for: request)
    }

    package func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        try await base.extend(leases, by: duration)
    }

    package func kick(_ ids: [JobID]) async throws { try await base.kick(ids) }
    package func bury(_ ids: [JobID], reason: String) async throws { try await base.bury(ids, reason: reason) }
    package func cancel(_ ids: [JobID], reason: String) async throws { try await base.cancel(ids, reason: reason) }
    package func delete(_ ids: [JobID]) async throws { try await base.delete(ids) }
    package func runNow(_ ids: [JobID]) async throws { try await base.runNow(ids) }

    package func select(
        _ selection: JobSelection, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await base.select(selection, from: cursor, limit: limit)
    }

    package func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await base.change(selection, change, from: cursor, limit: limit)
    }

    package func changes() -> AsyncStream<Void> { base.changes() }

    package func reap() async throws -> ReapReport { try await base.reap() }

    package func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        try await base.configure(queue, settings)
    }

    package func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try await base.setWeight(weight, ofGroup: group, in: queue)
    }

    package func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] {
        try await base.groups(of: queue, limit: limit)
    }

    package func queue(_ name: QueueName) async throws -> QueueDetails? { try await base.queue(name) }

    package func waitReason(of job: JobID) async throws -> WaitReason? { try await base.waitReason(of: job) }

    package func indexText() async throws -> Int { try await base.indexText() }
    package func stats() async throws -> [QueueStats] { try await base.stats() }

    package func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        try await base.activity(of: queues, last: last)
    }

    package func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await base.page(filter, after: cursor)
    }

    package func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        try await base.count(query, after: cursor)
    }

    package func errorGroups(
        _ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?
    ) async throws -> ErrorGroupPage {
        try await base.errorGroups(filter, after: cursor)
    }

    package func job(_ id: JobID) async throws -> JobDetails? { try await base.job(id) }

    package func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        try await base.exportJobs(of: queues, after: id, limit: limit)
    }

    package func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs { try await base.importJobs(jobs) }

    package func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        try await base.nextReady(in: queues, passingOverSuspects: passingOverSuspects)
    }

    package func isClaimable(_ job: JobID) async throws -> Bool { try await base.isClaimable(job) }
    package func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> { base.wakeUps(in: queues) }
    package var safetyLookInterval: Duration? { base.safetyLookInterval }
    package func reapSignals(every interval: Duration) -> AsyncStream<Void> { base.reapSignals(every: interval) }
    package func close() async { await base.close() }
    package func checkStillThere() throws { try base.checkStillThere() }
    package func sleep(for duration: Duration) async throws { try await base.sleep(for: duration) }

    // MARK: - Workers

    package func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        try await base.register(worker, as: id)
    }

    package func deregister(_ worker: WorkerID) async throws { try await base.deregister(worker) }
    package func leases(heldBy worker: WorkerID) async throws -> [HeldJob] { try await base.leases(heldBy: worker) }
    package func workers() async throws -> [WorkerRecord] { try await base.workers() }

    package func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        try await base.reclaim(from: workers, end)
    }

    package func reclaimDead() async throws -> ReapReport { try await base.reclaimDead() }
    package func registerSupervisor() async throws -> (any SupervisorSign)? { try await base.registerSupervisor() }
    package func requestRestart() async throws { try await base.requestRestart() }
    package func latestRestartRequest() async throws -> Int64 { try await base.latestRestartRequest() }
    package func restartSignals(every interval: Duration) -> AsyncStream<Void> { base.restartSignals(every: interval) }
    package func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await base.order(order, to: worker)
    }

    package func order(of worker: WorkerID) async throws -> WorkerOrder? { try await base.order(of: worker) }

    package func failures(limit: Int) async throws -> [FailedJob] { try await base.failures(limit: limit) }
    package func deaths(limit: Int) async throws -> [FailedJob] { try await base.deaths(limit: limit) }

    // MARK: - Operations

    package func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try await base.change(ids, change, by: actor)
    }

    package func begin(_ operation: NewOperation) async throws -> BulkOperation { try await base.begin(operation) }

    package func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        try await base.beginRestore(of: operation, by: actor)
    }

    package func step(by driver: OperationDriver) async throws -> OperationStep { try await base.step(by: driver) }

    package func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try await base.control(operation, control)
    }

    package func operation(_ id: OperationID) async throws -> BulkOperation? { try await base.operation(id) }

    package func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        try await base.operations(limit: limit, before: id)
    }

    // MARK: - Schedules

    package func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        try await base.setSchedule(schedule)
    }

    package func schedules() async throws -> [ScheduleRecord] { try await base.schedules() }
    package func schedule(_ name: String) async throws -> ScheduleDetails? { try await base.schedule(name) }

    package func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        try await base.changeSchedule(name, change)
    }

    package func runSchedule(_ name: String) async throws -> Enqueued { try await base.runSchedule(name) }
    package func tick() async throws -> TickReport { try await base.tick() }
    package func scheduleChanges() -> AsyncStream<Void> { base.scheduleChanges() }

    // MARK: - Webhooks

    package func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try await base.setWebhook(webhook, keepsSecret: keepsSecret)
    }

    package func webhooks() async throws -> [WebhookRecord] { try await base.webhooks() }
    package func webhook(_ name: String) async throws -> Webhook? { try await base.webhook(name) }
    package func deleteWebhook(_ name: String) async throws { try await base.deleteWebhook(name) }
    package func testWebhook(_ name: String) async throws -> Enqueued { try await base.testWebhook(name) }
    package func notifyWebhooks() async throws -> Int { try await base.notifyWebhooks() }

    package func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try await base.noteDelivery(delivery, of: webhook)
    }
}
