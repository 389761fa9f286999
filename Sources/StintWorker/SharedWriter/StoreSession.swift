import StintCore
import Synchronization

/// The requests of one worker process.
package final class StoreSession: Sendable {
    /// How many requests may be in progress, and how many listeners there may be: more than a worker ever has, since a request is in
    /// progress here for a moment longer than there (``StoreRequest/maximumInProgress``).
    static let maximumRequests = 2 * StoreRequest.maximumInProgress
    /// How many bytes of jobs a reply brings, unless its only job is larger. If the worker has as much to read already, a
    /// claim gets no jobs.
    static let replyBudget = ByteBudget(bytes: 8 * 1_024 * 1_024)

    private struct State {
        var inProgress = 0
        /// The worker has ended: its last settlements still count, and it gets nothing more.
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var listening: [UInt32: SharedWakeUps.Listener] = [:]
        /// Ends the news of revoked jobs.
        var stopRevocations: (@Sendable () -> Void)?
    }

    private let server: StoreServer
    private let unsentBytes: @Sendable () -> Int
    private let send: @Sendable ([UInt8]) -> Void
    private let state = Mutex(State())

    init(
        _ server: StoreServer, unsentBytes: @escaping @Sendable () -> Int, send: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.server = server
        self.unsentBytes = unsentBytes
        self.send = send
    }

    /// - Parameter frame: Without its header.
    /// - Throws: An error if it is no request, or one too many: the worker does not speak this protocol.
    package func receive(_ frame: UnsafeRawBufferPointer) throws {
        let (number, request) = try StoreFrame.decode(frame) { try StoreRequest(from: &$0) }
        let isOver = try state.withLock { state in
            guard state.inProgress < Self.maximumRequests, state.listening.count < Self.maximumRequests else {
                throw MessageDecoder.Malformed()
            }
            state.inProgress += 1
            return state.isOver
        }
        perform(request, number, isOver: isOver)
    }

    private func perform(_ request: StoreRequest, _ number: UInt32, isOver: Bool) {
        let store = server.store
        switch request {
        case .exchange(let settlements, let claim):
            // What a worker has finished before it died is settled. It claims nothing any more.
            exchange(settlements, for: isOver ? nil : claim, number)
        case .extend where isOver, .register where isOver, .listen where isOver: finish(number, nil)
        case .extend(let leases, let duration):
            answer(number) { .extended(try await store.extend(leases, by: duration)) }
        case .register(let worker, let id, let scoreboard):
            answer(number) { .registered(try await store.enroll(worker, as: id, scoreboard: scoreboard)) }
        case .deregister(let id):
            answer(number) {
                try await store.deregister(id)
                return .done
            }
        case .listen(let queues):
            listen(to: queues, number)
            finish(number, nil)
        case .stopListening(let listener):
            state.withLock { $0.listening.removeValue(forKey: listener) }?.stop()
            finish(number, nil)
        case .listenToRevocations:
            listenToRevocations(number)
            finish(number, nil)
        case .nextReady(let queues, let passesOverSuspects):
            answer(number) { .next(try await store.nextReady(in: queues, passingOverSuspects: passesOverSuspects)) }
        case .leases(let id): answer(number) { .held(try await store.leases(heldBy: id)) }
        case .order(let id): answer(number) { .order(try await store.order(of: id)) }
        // By a task: a supervisor whose Swift threads hang answers nothing else either.
        case .ping: answer(number) { .done }
        }
    }

    private func exchange(_ settlements: [Settlement], for claim: ClaimRequest?, _ number: UInt32) {
        if let loading = server.store as? any PayloadLoadingStore {
            loading.exchange(settlements, for: claim) { [self] in finish(number, $0.map(StoreReply.exchanged)) }
            return
        }
        let isFull = unsentBytes() >= Self.replyBudget.bytes
        answer(number) { [store = server.store] in
            var exchange = try await store.exchange(settlements, for: isFull ? nil : claim?.within(Self.replyBudget))
            // The worker asks again.
            if isFull, claim != nil { exchange.isCut = true }
            return .leased(exchange)
        }
    }

    private func listen(to queues: [QueueName], _ number: UInt32) {
        let listener = server.wakeUps.listen(to: queues) { [weak self] in self?.reply(number, .next($0)) }
        let isLate = state.withLock { state in
            if !state.isOver { state.listening[number] = listener }
            return state.isOver
        }
        if isLate { return listener.stop() }
        guard server.store is any PayloadLoadingStore else { return }
        // The worker has read the queues by itself, perhaps before it could hear of a job.
        Task { [weak self, store = server.store] in
            // If it cannot be read, the store's own looks find the job.
            let next = try? await store.nextReady(in: queues, passingOverSuspects: false)
            if next == .now { self?.reply(number, .next(.now)) }
        }
    }

    private func listenToRevocations(_ number: UInt32) {
        let stop = server.store.listenToRevocations { [weak self] in self?.reply(number, .revoked($0)) }
        let isLate = state.withLock { state in
            guard !state.isOver, state.stopRevocations == nil else { return true }
            state.stopRevocations = stop
            return false
        }
        if isLate { stop?() }
    }

    private func answer(_ number: UInt32, _ body: @escaping @Sendable () async throws -> StoreReply) {
        Task {
            do { finish(number, .success(try await body())) } catch { finish(number, .failure(error)) }
        }
    }

    /// - Parameter result: `nil` for a request that is not answered.
    private func finish(_ number: UInt32, _ result: Result<StoreReply, any Error>?) {
        switch result {
        case .success(let message)?: reply(number, message)
        case .failure(let error)?: reply(number, .failed(error.ofStore))
        case nil: break
        }
        let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.inProgress -= 1
            guard state.inProgress == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func reply(_ number: UInt32, _ message: StoreReply) {
        guard !state.withLock(\.isOver) else { return }
        send(StoreFrame.encode(number) { message.encode(into: &$0) })
    }

    /// Called when the worker's process has ended, before its last messages are read: nothing is claimed for it any more.
    package func workerHasEnded() {
        let (listening, stopRevocations) = state.withLock { state in
            state.isOver = true
            defer { (state.listening, state.stopRevocations) = ([:], nil) }
            return (state.listening, state.stopRevocations)
        }
        stopRevocations?()
        for listener in listening.values { listener.stop() }
    }

    /// Waits until no request is in progress.
    package func settled() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.inProgress > 0 { state.waiting.append(continuation) }
                return state.inProgress == 0
            }
            if isIdle { continuation.resume() }
        }
    }
}

extension Error {
    /// An error of a store, to be told to another process.
    fileprivate var ofStore: StintError {
        self as? StintError ?? StintError(.storageFailed, "the supervisor's store failed: \(self)")
    }
}

extension ClaimRequest {
    /// The same claim, of no more bytes than this.
    fileprivate func within(_ limit: ByteBudget) -> ClaimRequest {
        guard job == nil, budget.bytes > limit.bytes else { return self }
        return ClaimRequest(
            queues: queues, limit: self.limit, lease: duration, worker: worker, registration: registration,
            idleSlots: idleSlots, budget: limit, passesOverSuspects: passesOverSuspects)
    }
}
