import StintCore
import StintPlatform
import Synchronization

/// A worker's requests to its supervisor, and the replies.
///
/// If the supervisor has died, or does not read its messages for ``patience`` (it was stopped), requests in progress fail
/// with the code `outcomeUnknown`, and the worker uses the store by itself. It goes through the supervisor again as
/// soon as that answers.
package final class StoreCalls: Sendable {
    typealias Answer = @Sendable (Result<StoreReply, any Error>) -> Void

    /// How long the supervisor may leave a question unanswered whether it is there. It answers that without its store.
    package static let patience: Duration = .seconds(5)
    private var lookInterval: Duration { patience / 5 }

    /// The number of the question whether the supervisor is there.
    private static let ping: UInt32 = 0

    private struct Call {
        let answer: Answer
        let since: SuspendingClock.Instant
    }

    private struct State {
        var isOver = false
        /// The supervisor does not answer.
        var isSilent = false
        var lastNumber = StoreCalls.ping
        var calls: [UInt32: Call] = [:]
        var listeners: [UInt32: AsyncStream<NextReady>.Continuation] = [:]
        /// Called when jobs were revoked, once it is wanted.
        var onRevocation: (@Sendable (_ origin: String) -> Void)?
        /// When it was asked whether it is there, if it has not answered yet. Another reply does not prove that its Swift
        /// threads run.
        var asked: SuspendingClock.Instant?
        var isWatched = false

        mutating func nextNumber() -> UInt32 {
            lastNumber &+= 1
            if lastNumber == StoreCalls.ping { lastNumber += 1 }
            return lastNumber
        }
    }

    private let state = Mutex(State())
    private let patience: Duration
    private let send: @Sendable ([UInt8]) -> Void
    /// Called with a reply that came too late: what it claims is held by a worker that does not know of it.
    private let onLateReply: @Sendable ([Lease]) -> Void

    /// - Parameter send: Sends bytes to the supervisor. It must not block.
    package init(
        patience: Duration = StoreCalls.patience, send: @escaping @Sendable ([UInt8]) -> Void,
        onLateReply: @escaping @Sendable ([Lease]) -> Void
    ) {
        self.patience = patience
        self.send = send
        self.onLateReply = onLateReply
    }

    /// The store of a worker whose calls go this way.
    ///
    /// - Parameter own: The worker's own store.
    package func supervisedStore(over own: any SharedStore) -> any JobStore { SupervisedStore(own, self) }

    /// Whether requests reach the supervisor.
    var isOpen: Bool { state.withLock { !$0.isOver && !$0.isSilent } }

    /// How many requests wait for a reply.
    var count: Int { state.withLock(\.calls.count) }

    private static func unknown(_ why: String) -> StintError {
        StintError(
            .outcomeUnknown,
            "\(why) before it answered; the change may have been made, and the worker looks it up"
        )
    }

    // MARK: - Requests

    /// - Returns: `nil` if the request is not sent: the supervisor cannot be reached, the request is too long, or too many are in
    ///   progress.
    func call(_ request: StoreRequest) async throws -> StoreReply? {
        try await withCheckedThrowingContinuation { continuation in
            if !begin(request, { continuation.resume(with: $0.map(Optional.some)) }) {
                continuation.resume(returning: nil)
            }
        }
    }

    /// - Parameter answer: Called once, on the thread that reads the supervisor's messages, if this returns `true`.
    func begin(_ request: StoreRequest, _ answer: @escaping Answer) -> Bool {
        // Without a supervisor it is not written down at all.
        guard isOpen else { return false }
        let number = state.withLock { $0.nextNumber() }
        let frame = StoreFrame.encode(number) { request.encode(into: &$0) }
        guard frame.count <= StoreRequest.maximumBytes else { return false }
        let (isAccepted, needsWatch) = state.withLock { state in
            guard !state.isOver, !state.isSilent, state.calls.count < StoreRequest.maximumInProgress else {
                return (false, false)
            }
            state.calls[number] = Call(answer: answer, since: .now)
            defer { state.isWatched = true }
            return (true, !state.isWatched)
        }
        guard isAccepted else { return false }
        send(frame)
        if needsWatch { Task { await self.watch() } }
        return true
    }

    func listen(to queues: [QueueName]) -> AsyncStream<NextReady> {
        let (stream, continuation) = AsyncStream.makeStream(of: NextReady.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> UInt32? in
            guard !state.isOver else { return nil }
            let number = state.nextNumber()
            state.listeners[number] = continuation
            return number
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in self?.stopListening(number) }
        send(StoreFrame.encode(number) { StoreRequest.listen(queues).encode(into: &$0) })
        return stream
    }

    /// - Parameter notify: Called from now on, for as long as the supervisor lives, when jobs were revoked. A second call
    ///   changes nothing.
    func listenToRevocations(_ notify: @escaping @Sendable (_ origin: String) -> Void) {
        let number = state.withLock { state -> UInt32? in
            guard !state.isOver, state.onRevocation == nil else { return nil }
            state.onRevocation = notify
            return state.nextNumber()
        }
        guard let number else { return }
        send(StoreFrame.encode(number) { StoreRequest.listenToRevocations.encode(into: &$0) })
    }

    private func stopListening(_ listener: UInt32) {
        let number = state.withLock { state -> UInt32? in
            guard state.listeners.removeValue(forKey: listener) != nil, !state.isOver else { return nil }
            return state.nextNumber()
        }
        guard let number else { return }
        send(StoreFrame.encode(number) { StoreRequest.stopListening(listener).encode(into: &$0) })
    }

    // MARK: - Replies

    /// Blocks until the supervisor's end of the socket is closed, and ends all calls then. A supervisor that cannot be
    /// understood is as bad as none.
    func readReplies(from socket: Int32) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: PipeReader.chunk, alignment: 8)
        defer {
            buffer.deallocate()
            end()
        }
        var splitter = FrameSplitter(longestLine: 0, longestFrame: .max)
        while true {
            let count = recv(socket, buffer.baseAddress, buffer.count, 0)
            if count == 0 || count < 0 && errno != EINTR { return }
            guard count > 0 else { continue }
            do {
                try splitter.append(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { part in
                    if case .frame(let frame) = part { try receive(frame) }
                }
            } catch {
                return
            }
        }
    }

    /// - Parameter frame: Without its header.
    /// - Throws: An error if it is no reply.
    package func receive(_ frame: UnsafeRawBufferPointer) throws {
        let (number, reply) = try StoreFrame.decode(frame) { try StoreReply(from: &$0) }
        let (call, listener) = state.withLock { state in
            if number == Self.ping { (state.asked, state.isSilent) = (nil, false) }
            return (state.calls.removeValue(forKey: number), state.listeners[number])
        }
        if let call {
            if case .failed(let error) = reply { call.answer(.failure(error)) } else { call.answer(.success(reply)) }
            return
        }
        switch reply {
        case .next(let next): listener?.yield(next)
        case .revoked(let origin): state.withLock(\.onRevocation)?(origin)
        case .exchanged, .leased: if !reply.leases.isEmpty { onLateReply(reply.leases) }
        case .extended, .registered, .done, .held, .order, .failed: break
        }
    }

    /// The supervisor has died.
    package func end() {
        let (calls, listeners) = state.withLock { state in
            state.isOver = true
            defer { (state.calls, state.listeners) = ([:], [:]) }
            return (state.calls, state.listeners)
        }
        for call in calls.values { call.answer(.failure(Self.unknown("the supervisor died"))) }
        for listener in listeners.values { listener.finish() }
    }

    // MARK: - A supervisor that is silent

    /// Runs as long as requests wait for replies.
    private func watch() async {
        while true {
            let begun = SuspendingClock.now
            do { try await Task.sleep(for: lookInterval) } catch { continue }
            // This process was stopped itself, so no reply could be read.
            let wasStopped = SuspendingClock.now - begun > lookInterval * 2
            let (keepsWatching, sendsPing, silenced) = state.withLock { state -> (Bool, Bool, [Call]?) in
                guard let first = state.calls.values.map(\.since).min(), !state.isOver else {
                    state.isWatched = false
                    return (false, false, nil)
                }
                let now = SuspendingClock.now
                guard let asked = state.asked else {
                    guard now - first >= lookInterval else { return (true, false, nil) }
                    state.asked = now
                    return (true, true, nil)
                }
                if wasStopped { state.asked = now }
                guard now - asked >= patience, !wasStopped else { return (true, false, nil) }
                state.isSilent = true
                state.isWatched = false
                defer { state.calls = [:] }
                return (false, false, Array(state.calls.values))
            }
            if let silenced {
                for call in silenced { call.answer(.failure(Self.unknown("the supervisor fell silent"))) }
                // Their worker looks by itself from now on.
                for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(.now) }
            }
            if sendsPing { send(StoreFrame.encode(Self.ping) { StoreRequest.ping.encode(into: &$0) }) }
            if !keepsWatching { return }
        }
    }
}
