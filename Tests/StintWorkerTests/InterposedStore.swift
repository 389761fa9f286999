import StintCore
import Synchronization

/// The real store, whose exchanges and wake-ups a test may disturb and whose revocation mark it may watch.
struct InterposedStore: JobStore {
    let store: any JobStore
    /// Called with each exchange before it is asked for, and with its answer; what it throws the caller gets instead.
    var beforeExchange: @Sendable ([Settlement], ClaimRequest?) throws -> Void = { _, _ in }
    var afterExchange: @Sendable ([Settlement], Exchange) throws -> Void = { _, _ in }
    var beforeRevocationsAreRead: (@Sendable () -> Void)?
    var beforeLook: @Sendable () -> Void = {}
    var beforeExtend: @Sendable () -> Void = {}
    /// All wake-ups get lost but the first, which says that there is nothing.
    var isDeaf = false

    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        isDeaf ? AsyncStream { $0.yield(.unknown) } : store.wakeUps(in: queues)
    }

    func exchange(_ settlements: [Settlement], for request: ClaimRequest?, now: Moment) async throws -> Exchange {
        try beforeExchange(settlements, request)
        let exchange = try await store.exchange(settlements, for: request, now: now)
        try afterExchange(settlements, exchange)
        return exchange
    }

    func register(_ worker: WorkerRegistration, as id: WorkerID?, now: Moment) async throws -> RegisteredWorker {
        let place = try await store.register(worker, as: id, now: now)
        guard let beforeRevocationsAreRead else { return place }
        return RegisteredWorker(
            id: place.id, board: place.board, room: place.room,
            revocations: WatchedMark(mark: place.revocations, before: beforeRevocationsAreRead))
    }

    private struct WatchedMark: RevocationMark {
        let mark: any RevocationMark
        let before: @Sendable () -> Void

        func read() -> UInt64 {
            before()
            return mark.read()
        }
    }

    // MARK: - As it is

    func enqueue(_ jobs: [NewJob], now: Moment) async throws -> [Enqueued] { try await store.enqueue(jobs, now: now) }
    func extend(_ leases: [Lease], by duration: Duration, now: Moment) async throws -> [Lease] {
        beforeExtend()
        return try await store.extend(leases, by: duration, now: now)
    }
    func runNow(_ ids: [JobID], now: Moment) async throws { try await store.runNow(ids, now: now) }
    func select(_ selection: JobSelection, from cursor: SelectionCursor?, limit: Int) async throws -> SelectionStep {
        try await store.select(selection, from: cursor, limit: limit)
    }
    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int, now: Moment
    ) async throws -> SelectionStep {
        try await store.change(selection, change, from: cursor, limit: limit, now: now)
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
    func checkStillThere() throws { try store.checkStillThere() }
    func job(_ id: JobID) async throws -> JobDetails? { try await store.job(id) }
    func nextReady(in queues: [QueueName], passingOverSuspects: Bool, now: Moment) async throws -> NextReady {
        beforeLook()
        return try await store.nextReady(in: queues, passingOverSuspects: passingOverSuspects, now: now)
    }
    func isClaimable(_ job: JobID) async throws -> Bool { try await store.isClaimable(job) }
    func deregister(_ worker: WorkerID, now: Moment) async throws { try await store.deregister(worker, now: now) }
    func leases(heldBy worker: WorkerID) async throws -> [HeldJob] { try await store.leases(heldBy: worker) }
    func workers() async throws -> [WorkerRecord] { try await store.workers() }
    func deadWorkers() async throws -> [WorkerRecord] { try await store.deadWorkers() }
    func takeBack(from workers: [WorkerID], _ end: WorkerEnd, now: Moment) async throws -> ReapReport {
        try await store.takeBack(from: workers, end, now: now)
    }
    func registerSupervisor() async throws -> (any SupervisorSign)? { try await store.registerSupervisor() }
    func requestRestart(now: Moment) async throws { try await store.requestRestart(now: now) }
    func latestRestartRequest() async throws -> Int64 { try await store.latestRestartRequest() }
    func failures(limit: Int) async throws -> [FailedJob] { try await store.failures(limit: limit) }
}

/// Says `true` once.
final class Once: Sendable {
    private let isOver = Mutex(false)

    func callAsFunction() -> Bool {
        isOver.withLock { isOver in
            defer { isOver = true }
            return !isOver
        }
    }
}
