import StintCore
import Synchronization

/// The real store. A test may disturb its exchanges and wake-ups, and may watch its revocation mark.
struct InterposedStore: ForwardingStore {
    let base: any JobStore
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
        isDeaf ? AsyncStream { $0.yield(.unknown) } : base.wakeUps(in: queues)
    }

    var safetyLookInterval: Duration? { isDeaf ? nil : base.safetyLookInterval }

    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        try beforeExchange(settlements, request)
        let exchange = try await base.exchange(settlements, for: request)
        try afterExchange(settlements, exchange)
        return exchange
    }

    func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        let place = try await base.register(worker, as: id)
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

    func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        beforeExtend()
        return try await base.extend(leases, by: duration)
    }

    func reap() async throws -> ReapReport { changeReport(try await base.reap()) }

    func sleep(for duration: Duration) async throws {
        if let insteadOfSleep { insteadOfSleep(duration) } else { try await base.sleep(for: duration) }
    }

    func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        beforeLook()
        return try await base.nextReady(in: queues, passingOverSuspects: passingOverSuspects)
    }

    func deregister(_ worker: WorkerID) async throws {
        try await base.deregister(worker)
        try afterDeregister()
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
