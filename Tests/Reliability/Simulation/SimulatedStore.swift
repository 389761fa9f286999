import Foundation
import StintCore
import StintSQLite

/// The store as a process of a simulated world has it: the real one, with delays, and with failures.
struct SimulatedStore: JobStore {
    let world: World
    let process: SimulatedProcess
    var store: any JobStore { process.place.stores.store }

    /// A call to the store takes time, and so does the answer. Now and then the store refuses, and has done nothing
    /// then, or it cannot know whether its change will last.
    func perform<Value>(_ body: () async throws -> Value) async throws -> Value {
        await world.delay()
        let calledAt = world.now(of: process.place).monotonic
        try await world.waitForLock()
        if world.happens(world.plan.refusals) {
            throw StintError(.storageFailed, "the disk of the simulated world is full")
        }
        let value = try await SQLiteStore.$calledAt.withValue(calledAt) { try await body() }
        try world.notifyOfCommit()
        world.notifyOfRevocations()
        if world.happens(world.plan.refusals) {
            throw StintError(.outcomeUnknown, "the disk of the simulated world failed in the last moment")
        }
        await world.delay()
        return value
    }

    func enqueue(_ jobs: [NewJob]) async throws -> [Enqueued] {
        try await perform { try await store.enqueue(jobs) }
    }

    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        let exchange = try await perform { () async throws -> Exchange in
            for settlement in settlements { process.unsettled[settlement.lease] = nil }
            return try await store.exchange(settlements, for: request)
        }
        note(settlements, exchange.answers)
        return exchange
    }

    func note(_ settlements: [Settlement], _ answers: [Settlement.Answer]) {
        for (settlement, answer) in zip(settlements, answers) {
            process.unsettled[settlement.lease] = nil
            if answer == .leaseLost { world.lostLease(of: settlement.lease.job, by: process) }
        }
    }

    func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        try await perform { try await store.extend(leases, by: duration) }
    }

    func kick(_ ids: [JobID]) async throws {
        try await perform { try await store.kick(ids) }
    }

    func bury(_ ids: [JobID], reason: String) async throws {
        try await perform { try await store.bury(ids, reason: reason) }
    }

    func cancel(_ ids: [JobID], reason: String) async throws {
        try await perform { try await store.cancel(ids, reason: reason) }
    }

    func delete(_ ids: [JobID]) async throws {
        try await perform { try await store.delete(ids) }
    }

    func runNow(_ ids: [JobID]) async throws {
        try await perform { try await store.runNow(ids) }
    }

    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await perform { try await store.change(selection, change, from: cursor, limit: limit) }
    }

    func select(
        _ selection: JobSelection, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        try await store.select(selection, from: cursor, limit: limit)
    }

    func reap() async throws -> ReapReport {
        try await perform { try await store.reap() }
    }

    func configure(_ queue: QueueName, _ settings: QueueSettings) async throws {
        try await perform { try await store.configure(queue, settings) }
    }

    func setWeight(_ weight: Int, ofGroup group: String, in queue: QueueName) async throws {
        try await perform { try await store.setWeight(weight, ofGroup: group, in: queue) }
    }

    func groups(of queue: QueueName, limit: Int) async throws -> [GroupStats] {
        try await store.groups(of: queue, limit: limit)
    }

    func queue(_ name: QueueName) async throws -> QueueDetails? { try await store.queue(name) }

    func waitReason(of job: JobID) async throws -> WaitReason? { try await store.waitReason(of: job) }

    func indexText() async throws -> Int { try await perform { try await store.indexText() } }
    func stats() async throws -> [QueueStats] { try await store.stats() }
    func activity(of queues: [QueueName]?, last: Duration) async throws -> [QueueActivity] {
        try await store.activity(of: queues, last: last)
    }
    func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await store.page(filter, after: cursor)
    }
    func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        try await store.count(query, after: cursor)
    }

    func errorGroups(
        _ filter: ErrorGroupFilter, after cursor: ErrorGroupCursor?
    ) async throws -> ErrorGroupPage {
        try await store.errorGroups(filter, after: cursor)
    }

    func job(_ id: JobID) async throws -> JobDetails? { try await store.job(id) }
    func requestRestart() async throws { try await store.requestRestart() }
    func latestRestartRequest() async throws -> Int64 { try await store.latestRestartRequest() }
    func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await perform { try await store.order(order, to: worker) }
    }
    func order(of worker: WorkerID) async throws -> WorkerOrder? { try await store.order(of: worker) }
    func failures(limit: Int) async throws -> [FailedJob] { try await store.failures(limit: limit) }
    func deaths(limit: Int) async throws -> [FailedJob] { try await store.deaths(limit: limit) }

    func exportJobs(of queues: [QueueName]?, after id: JobID?, limit: Int) async throws -> ExportedJobs {
        try await store.exportJobs(of: queues, after: id, limit: limit)
    }

    func importJobs(_ jobs: [StoredJob]) async throws -> ImportedJobs {
        try await perform { try await store.importJobs(jobs) }
    }

    func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        await world.delay()
        return try await store.nextReady(in: queues, passingOverSuspects: passingOverSuspects)
    }

    func isClaimable(_ job: JobID) async throws -> Bool {
        await world.delay()
        return try await store.isClaimable(job)
    }

    // MARK: - Operations

    func change(_ ids: [JobID], _ change: JobChange, by actor: String?) async throws {
        try await perform { try await store.change(ids, change, by: actor) }
    }

    func begin(_ operation: NewOperation) async throws -> BulkOperation {
        try await perform { try await store.begin(operation) }
    }

    func beginRestore(of operation: OperationID, by actor: String?) async throws -> BulkOperation {
        try await perform { try await store.beginRestore(of: operation, by: actor) }
    }

    func step(by driver: OperationDriver) async throws -> OperationStep {
        try await perform { try await store.step(by: driver) }
    }

    func control(_ operation: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try await perform { try await store.control(operation, control) }
    }

    func operation(_ id: OperationID) async throws -> BulkOperation? { try await store.operation(id) }

    func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        try await store.operations(limit: limit, before: id)
    }

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

    // MARK: - Who works

    func register(
        _ worker: WorkerRegistration, as id: WorkerID?
    ) async throws -> RegisteredWorker {
        let place = try await perform {
            let place = try await store.register(identified(worker), as: id)
            // Even if no answer arrives: its process has the lock.
            if id == nil { process.workers.append(place.id) }
            if process.nature == .foreign { unlink("\(process.place.stores.store.path)-worker-\(place.id)") }
            return place
        }
        return registered(place)
    }

    /// With the identity of the simulated process.
    func identified(_ worker: WorkerRegistration) -> WorkerRegistration {
        WorkerRegistration(
            name: worker.name, process: WorkerProcess(process.identity), supervisor: process.supervisor,
            supervisorSign: process.supervisorFile?.name, queues: worker.queues, concurrency: worker.concurrency,
            writesThroughSupervisor: worker.writesThroughSupervisor)
    }

    func registered(_ place: RegisteredWorker) -> RegisteredWorker {
        world.watch(place.revocations)
        return RegisteredWorker(
            id: place.id, scoreboard: place.scoreboard, runLock: process.runLock,
            revocations: SimulatedMark(mark: place.revocations, process: process))
    }

    func deregister(_ worker: WorkerID) async throws {
        try await perform { try await store.deregister(worker) }
    }

    func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        await world.delay()
        return try await store.leases(heldBy: worker)
    }

    func workers() async throws -> [WorkerRecord] { try await store.workers() }

    func reclaimDead() async throws -> ReapReport { try await reclaimDead(among: workers()) }

    func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        try await perform { try await store.reclaim(from: workers, end) }
    }

    func registerSupervisor() async throws -> (any SupervisorSign)? { try await store.registerSupervisor() }

    func close() async { await store.close() }

    /// The world notifies of changes of the mark too.
    private struct SimulatedMark: RevocationMark {
        let mark: any RevocationMark
        let process: SimulatedProcess

        func read() -> UInt64 { mark.read() }

        func changes() -> AsyncStream<Void> {
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            process.revocationListeners.append(continuation)
            return stream
        }
    }

    // MARK: - Wake-ups

    /// The world notifies: a thread of the system would not be part of it.
    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        let (stream, continuation) = AsyncStream.makeStream(of: NextReady.self, bufferingPolicy: .bufferingNewest(1))
        let number = world.nextNumber()
        process.listeners[number] = (queues, continuation)
        continuation.onTermination = { [process] _ in process.listeners[number] = nil }
        return stream
    }
}
