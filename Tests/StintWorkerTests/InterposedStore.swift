import StintCore
import Synchronization

/// The real store. A test may disturb its exchanges and wake-ups, and may watch its revocation mark.
struct InterposedStore: JobStore {
    let store: any JobStore
    /// Called with each exchange before it is performed, and with its answer. If it throws, the caller gets that error
    /// instead.
    var beforeExchange: @Sendable ([Settlement], ClaimRequest?) throws -> Void = { _, _ in }
    var afterExchange: @Sendable ([Settlement], Exchange) throws -> Void = { _, _ in }
    var beforeRevocationsAreRead: (@Sendable () -> Void)?
    var beforeLook: @Sendable () -> Void = {}
    var beforeExtend: @Sendable () -> Void = {}
    /// Called when a registration has been made or renewed, or removed. If it throws, the caller gets that error.
    var afterRegister: @Sendable (WorkerID?) throws -> Void = { _ in }
    var afterRegisterAsync: (@Sendable (WorkerID) async throws -> Void)?
    var afterDeregister: @Sendable () throws -> Void = {}
    var changeReport: @Sendable (ReapReport) -> ReapReport = { $0 }
    /// Called instead of a wait for the store's time.
    var insteadOfSleep: (@Sendable (Duration) -> Void)?
    /// All wake-ups get lost but the first, which says that there is nothing.
    var isDeaf = false

    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        isDeaf ? AsyncStream { $0.yield(.unknown) } : store.wakeUps(in: queues)
    }

    var safetyLookInterval: Duration? { isDeaf ? nil : store.safetyLookInterval }

    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        try beforeExchange(settlements, request)
        let exchange = try await store.exchange(settlements, for: request)
        try afterExchange(settlements, exchange)
        return exchange
    }

    func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        let place = try await store.register(worker, as: id)
        try afterRegister(id)
        try await afterRegisterAsync?(place.id)
        guard let beforeRevocationsAreRead else { return place }
        return RegisteredWorker(
            id: place.id, scoreboard: place.scoreboard, runLock: place.runLock,
            revocations: WatchedMark(mark: place.revocations, before: beforeRevocationsAreRead))
    }

    private struct WatchedMark: RevocationMark {
        let mark: any RevocationMark
        let before: @Sendable () -> Void

        func read() -> UInt64 {
            before()
            return mark.read()
        }

        func changes() -> AsyncStream<Void> { mark.changes() }
    }

    // MARK: - As it is

    func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] { try await store.enqueue(jobs) }
    func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        beforeExtend()
        return try await store.extend(leases, by: duration)
    }
    func runNow(_ ids: [JobID]) async throws { try await store.runNow(ids) }
    func select(_ selection: JobSelection, from cursor: SelectionCursor?, limit: Int) async throws -> SelectionStep {
        try await store.select(selection, from: cursor, limit: limit)
    }
    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await store.change(selection, change, from: cursor, limit: limit)
    }
    func kick(_ ids: [JobID]) async throws { try await store.kick(ids) }
    func bury(_ ids: [JobID], reason: String) async throws {
        try await store.bury(ids, reason: reason)
    }
    func cancel(_ ids: [JobID], reason: String) async throws { try await store.cancel(ids, reason: reason) }
    func delete(_ ids: [JobID]) async throws { try await store.delete(ids) }
    func reap() async throws -> ReapReport { changeReport(try await store.reap()) }
    func sleep(for duration: Duration) async throws {
        if let insteadOfSleep { insteadOfSleep(duration) } else { try await store.sleep(for: duration) }
    }
    func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        try await store.configure(queue, settings)
    }
    func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try await store.setWeight(weight, ofGroup: group, in: queue)
    }

    func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] {
        try await store.groups(of: queue, limit: limit)
    }

    func queue(_ name: QueueName) async throws -> QueueDetails? { try await store.queue(name) }

    func waitReason(of job: JobID) async throws -> WaitReason? { try await store.waitReason(of: job) }

    func indexText() async throws -> Int { try await store.indexText() }
    func stats() async throws -> [QueueStats] { try await store.stats() }
    func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        try await store.activity(of: queues, last: last)
    }
    func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await store.page(filter, after: cursor)
    }
    func close() async { await store.close() }

    func checkStillThere() throws { try store.checkStillThere() }
    func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        try await store.count(query, after: cursor)
    }

    func errorGroups(
        _ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?
    ) async throws -> ErrorGroupPage {
        try await store.errorGroups(filter, after: cursor)
    }

    func job(_ id: JobID) async throws -> JobDetails? { try await store.job(id) }
    func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        try await store.exportJobs(of: queues, after: id, limit: limit)
    }

    func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs { try await store.importJobs(jobs) }

    func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        beforeLook()
        return try await store.nextReady(in: queues, passingOverSuspects: passingOverSuspects)
    }
    func isClaimable(_ job: JobID) async throws -> Bool { try await store.isClaimable(job) }
    func deregister(_ worker: WorkerID) async throws {
        try await store.deregister(worker)
        try afterDeregister()
    }
    func leases(heldBy worker: WorkerID) async throws -> [HeldJob] { try await store.leases(heldBy: worker) }
    func workers() async throws -> [WorkerRecord] { try await store.workers() }
    func reclaimDead() async throws -> ReapReport { try await store.reclaimDead() }
    func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        try await store.reclaim(from: workers, end)
    }
    func registerSupervisor() async throws -> (any SupervisorSign)? { try await store.registerSupervisor() }
    func requestRestart() async throws { try await store.requestRestart() }
    func latestRestartRequest() async throws -> Int64 { try await store.latestRestartRequest() }
    func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await store.order(order, to: worker)
    }
    func order(of worker: WorkerID) async throws -> WorkerOrder? { try await store.order(of: worker) }
    func failures(limit: Int) async throws -> [FailedJob] { try await store.failures(limit: limit) }
    func deaths(limit: Int) async throws -> [FailedJob] { try await store.deaths(limit: limit) }

    // MARK: - Operations

    func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try await store.change(ids, change, by: actor)
    }

    func begin(_ operation: NewOperation) async throws -> BulkOperation {
        try await store.begin(operation)
    }

    func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        try await store.beginRestore(of: operation, by: actor)
    }

    func step(by driver: OperationDriver) async throws -> OperationStep {
        try await store.step(by: driver)
    }

    func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try await store.control(operation, control)
    }

    func operation(_ id: OperationID) async throws -> BulkOperation? { try await store.operation(id) }

    func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        try await store.operations(limit: limit, before: id)
    }

    // MARK: - Schedules

    func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        try await store.setSchedule(schedule)
    }

    func schedules() async throws -> [ScheduleRecord] { try await store.schedules() }
    func schedule(_ name: String) async throws -> ScheduleDetails? { try await store.schedule(name) }

    func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        try await store.changeSchedule(name, change)
    }

    func runSchedule(_ name: String) async throws -> Enqueued { try await store.runSchedule(name) }
    func tick() async throws -> TickReport { try await store.tick() }
    func scheduleChanges() -> AsyncStream<Void> { store.scheduleChanges() }

    // MARK: - Webhooks

    func setWebhook(_ webhook: Webhook, keepsSecret: Bool) async throws -> WebhookSetting {
        try await store.setWebhook(webhook, keepsSecret: keepsSecret)
    }

    func webhooks() async throws -> [WebhookRecord] { try await store.webhooks() }
    func webhook(_ name: String) async throws -> Webhook? { try await store.webhook(name) }
    func deleteWebhook(_ name: String) async throws { try await store.deleteWebhook(name) }
    func testWebhook(_ name: String) async throws -> Enqueued { try await store.testWebhook(name) }
    func notifyWebhooks() async throws -> Int { try await store.notifyWebhooks() }

    func noteDelivery(_ delivery: WebhookDelivery, of webhook: String) async throws {
        try await store.noteDelivery(delivery, of: webhook)
    }
}

/// Returns `true` once.
final class Once: Sendable {
    private let isOver = Mutex(false)

    func callAsFunction() -> Bool {
        isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
    }
}
