import StintCore
import StintSQLite

/// A store whose wake-ups all get lost but the first, which says that there is nothing.
struct DeafStore: JobStore {
    let store: SQLiteStore

    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        AsyncStream { $0.yield(.unknown) }
    }

    func enqueue(_ jobs: [NewJob], now: Moment) async throws -> [Enqueued] { try await store.enqueue(jobs, now: now) }
    func exchange(
        _ settlements: [Settlement], for request: ClaimRequest?, now: Moment
    ) async throws -> Exchange { try await store.exchange(settlements, for: request, now: now) }
    func extend(_ leases: [Lease], by duration: Duration, now: Moment) async throws -> [Lease] {
        try await store.extend(leases, by: duration, now: now)
    }
    func kick(_ queue: QueueName, limit: Int, now: Moment) async throws -> Int {
        try await store.kick(queue, limit: limit, now: now)
    }
    func kick(_ ids: [JobID], now: Moment) async throws { try await store.kick(ids, now: now) }
    func bury(_ ids: [JobID], reason: String, now: Moment) async throws {
        try await store.bury(ids, reason: reason, now: now)
    }
    func delete(_ ids: [JobID], now: Moment) async throws { try await store.delete(ids, now: now) }
    func reap(now: Moment) async throws -> ReapReport { try await store.reap(now: now) }
    func configure(_ queue: QueueName, _ settings: QueueSettings, now: Moment) async throws {
        try await store.configure(queue, settings, now: now)
    }
    func stats() async throws -> [QueueStats] { try await store.stats() }
    func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        try await store.page(filter, after: cursor)
    }
    func job(_ id: JobID) async throws -> JobDetails? { try await store.job(id) }
    func nextReady(in queues: [QueueName], now: Moment) async throws -> NextReady {
        try await store.nextReady(in: queues, now: now)
    }
    func register(_ worker: WorkerRegistration, as id: WorkerID?, now: Moment) async throws -> RegisteredWorker {
        try await store.register(worker, as: id, now: now)
    }
    func deregister(_ worker: WorkerID, now: Moment) async throws { try await store.deregister(worker, now: now) }
    func workers() async throws -> [WorkerRecord] { try await store.workers() }
    func registerSupervisor() async throws -> (any SupervisorSign)? { try await store.registerSupervisor() }

    func takeBack(from workers: [WorkerID], _ end: WorkerEnd, now: Moment) async throws -> ReapReport {
        try await store.takeBack(from: workers, end, now: now)
    }
    func requestRestart(now: Moment) async throws { try await store.requestRestart(now: now) }
    func latestRestartRequest() async throws -> Int64 { try await store.latestRestartRequest() }
    func failures(limit: Int) async throws -> [FailedJob] { try await store.failures(limit: limit) }
}
