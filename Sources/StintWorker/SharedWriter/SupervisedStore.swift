import Logging
import StintCore
import StintPlatform

/// The store of a supervised worker. Its claims, settlements, extensions and registrations go through its supervisor. If
/// the supervisor is not there, the worker does everything by itself.
///
/// On SQLite the supervisor commits for all of its workers at once, and each reads its payloads, and all else, by itself. On a
/// server the payloads come from the supervisor too, and so do a worker's regular looks: it needs no connection of
/// its own.
///
/// Settlements with jobs to enqueue are the worker's own: their payloads do not go through the supervisor.
struct SupervisedStore: ForwardingStore {
    private let shared: any SharedStore
    var base: any JobStore { shared }
    /// `nil`: the payloads come with the supervisor's replies.
    private let loading: (any PayloadLoadingStore)?
    let calls: StoreCalls

    /// How often the supervisor's store looks for what its wake-ups have missed, on SQLite; see
    /// ``JobStore/safetyLookInterval``.
    private static let safetyLook: Duration = .seconds(5)

    /// - Parameter shared: The worker's own store.
    init(_ shared: any SharedStore, _ calls: StoreCalls) {
        self.shared = shared
        loading = shared as? any PayloadLoadingStore
        self.calls = calls
        shared.becomeSupervised()
    }

    func exchange(_ settlements: [Settlement], for request: ClaimRequest?) async throws -> Exchange {
        guard !settlements.isEmpty || request != nil else { return Exchange() }
        guard settlements.allSatisfy(\.followUps.isEmpty) else {
            return try await base.exchange(settlements, for: request)
        }
        let loaded = try await orByItself {
            try await withCheckedThrowingContinuation { continuation in
                let isSent = calls.begin(.exchange(settlements, request)) { result in
                    continuation.resume(with: result.flatMap { reply in Result { try load(reply, request) } })
                }
                if !isSent { continuation.resume(returning: LoadedExchange?.none) }
            }
        }
        guard let loaded else { return try await base.exchange(settlements, for: request) }
        if !loaded.toSettle.isEmpty { await settleUnread(loaded.toSettle) }
        return loaded.exchange
    }

    /// - Returns: `nil` if the supervisor cannot be reached, or cannot use the database itself; nothing was changed then.
    private func orByItself<Value>(_ body: () async throws -> Value?) async throws -> Value? {
        do { return try await body() } catch let error as StintError
            where error.code == .databaseUnusable || error.code == .closed
        { return nil }
    }

    private func call(_ request: StoreRequest) async throws -> StoreReply? {
        try await orByItself { try await calls.call(request) }
    }

    private struct LoadedExchange: Sendable {
        var exchange: Exchange
        var toSettle: [Settlement] = []
    }

    /// On the thread that reads the supervisor's messages: handing the read on to another one costs as much as a short read.
    ///
    /// - Throws: An error if it is another reply. If the jobs cannot be read, they are given back: the settlements are durable
    ///   and are answered.
    private func load(_ reply: StoreReply, _ request: ClaimRequest?) throws -> LoadedExchange? {
        if case .leased(let exchange) = reply, loading == nil { return LoadedExchange(exchange: exchange) }
        guard let loading, case .exchanged(let claimed) = reply else { throw Self.unexpected }
        var exchange = Exchange(answers: claimed.answers, passedOver: claimed.passedOver)
        guard !claimed.jobs.isEmpty else { return LoadedExchange(exchange: exchange) }
        do {
            let loaded = try loading.load(claimed.jobs, within: request?.budget ?? .standard)
            (exchange.jobs, exchange.isCut) = (loaded.jobs, !loaded.excess.isEmpty)
            return LoadedExchange(exchange: exchange, toSettle: loaded.settlements)
        } catch {
            Self.logger.error(
                "claimed jobs cannot be read; they are given back",
                metadata: [
                    "error": "\(error)",
                    "jobs": "\(claimed.jobs.map(\.lease.job.description).joined(separator: ", "))",
                ])
            return LoadedExchange(
                exchange: exchange, toSettle: claimed.jobs.map { Settlement($0.lease, .release(after: .zero)) })
        }
    }

    /// If it fails, the jobs come back when their leases end.
    private func settleUnread(_ settlements: [Settlement]) async {
        do {
            _ = try await exchange(settlements, for: nil)
        } catch {
            Self.logger.error(
                "claimed jobs cannot be given back; they come back when their lease ends",
                metadata: ["error": "\(error)"])
        }
    }

    func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        guard !leases.isEmpty else { return [] }
        do {
            guard let reply = try await call(.extend(leases, duration)) else {
                return try await base.extend(leases, by: duration)
            }
            guard case .extended(let lost) = reply else { throw Self.unexpected }
            return lost
        } catch let error as StintError where error.code == .outcomeUnknown {
            // An extension can be made twice.
            return try await base.extend(leases, by: duration)
        }
    }

    // MARK: - The worker's registration

    func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        let place = try shared.preparePlace(for: id, capacity: worker.concurrency)
        // Before the worker relies on its mark.
        if loading == nil { calls.listenToRevocations { [shared] in shared.noteRevocation(by: $0) } }
        guard let reply = try await call(.register(worker, id, place.scoreboard)) else {
            return try await base.register(worker, as: id)
        }
        guard case .registered(let id) = reply else { throw Self.unexpected }
        return try await place.take(id)
    }

    func deregister(_ worker: WorkerID) async throws {
        guard try await call(.deregister(worker)) != nil else { return try await base.deregister(worker) }
    }

    // MARK: - Looks

    /// - Returns: `nil` if the worker looks by itself.
    private func look(_ request: StoreRequest) async throws -> StoreReply? {
        guard loading == nil else { return nil }
        do { return try await call(request) } catch let error as StintError where error.code == .outcomeUnknown {
            // Of a look there is no outcome to lose.
            return nil
        }
    }

    func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        guard let reply = try await look(.leases(worker)) else { return try await base.leases(heldBy: worker) }
        guard case .held(let jobs) = reply else { throw Self.unexpected }
        return jobs
    }

    func order(of worker: WorkerID) async throws -> WorkerOrder? {
        guard let reply = try await look(.order(worker)) else { return try await base.order(of: worker) }
        guard case .order(let order) = reply else { throw Self.unexpected }
        return order
    }

    func nextReady(in queues: [QueueName], passingOverSuspects: Bool) async throws -> NextReady {
        guard let reply = try await look(.nextReady(queues, passingOverSuspects)) else {
            return try await base.nextReady(in: queues, passingOverSuspects: passingOverSuspects)
        }
        guard case .next(let next) = reply else { throw Self.unexpected }
        return next
    }

    // MARK: - Wake-ups

    func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        calls.isOpen ? calls.listen(to: queues) : base.wakeUps(in: queues)
    }

    var safetyLookInterval: Duration? {
        // A supervisor that is silent looks for nothing, and the worker may still listen to it.
        guard calls.isOpen else { return nil }
        return loading != nil ? Self.safetyLook : base.safetyLookInterval
    }

    private static let logger = Logger(label: "stint.worker")
    private static let unexpected = StintError(
        .outcomeUnknown, "the supervisor has answered another question; the worker looks the change up")
}

extension JobStore {
    /// Gives back what a supervisor has claimed for this worker when that did not wait for it any more. Also harmless if
    /// the worker has looked it up and given it back by itself.
    package func giveBack(_ late: [Lease]) {
        Task {
            do {
                _ = try await exchange(late.map { Settlement($0, .release(after: .zero)) }, for: nil)
            } catch {
                Logger(label: "stint.worker").error(
                    "jobs that came too late cannot be given back; they come back when their lease ends",
                    metadata: ["error": "\(error)"])
            }
        }
    }
}
