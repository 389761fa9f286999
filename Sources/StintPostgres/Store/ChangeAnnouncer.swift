import Logging
import StintCore
import Synchronization

/// Tells listeners of this process at once, and those of others by NOTIFY, what was committed.
///
/// A NOTIFY in the transaction itself would make all commits of the server wait for one another: enqueues were 3.6 times
/// as slow. So one task of the process sends what came together, once in ``pause`` at most, in a transaction whose loss
/// costs nothing: it does not wait for the disk. It is sent again if that fails. If the process dies before, listeners
/// find the change when they look next, every ``lookInterval``.
final class ChangeAnnouncer: Sendable {
    static let channel = "stint"
    /// Between two notifications that this process sends.
    static let pause: Duration = .milliseconds(10)
    /// The same before one that wakes no worker and is only for dashboards, such as of claims. Otherwise sixteen busy
    /// workers would get 1,600 notifications a second of one another's claims.
    static let quietPause: Duration = .milliseconds(250)
    /// How often listeners look although nothing was told.
    static let lookInterval: Duration = .seconds(30)

    /// Gets what was committed since it last asked.
    final class Listener: Sendable {
        private let pending = Mutex(StoreChange())
        /// Emits if there is something to take.
        let signals: AsyncStream<Void>
        private let continuation: AsyncStream<Void>.Continuation
        /// Called in the task that has made a change, before it goes on. It returns whether that is all the listener wants
        /// to know of it.
        private let onOwnChange: @Sendable (StoreChange) -> Bool

        fileprivate init(
            onOwnChange: @escaping @Sendable (StoreChange) -> Bool, onEnd: @escaping @Sendable () -> Void
        ) {
            self.onOwnChange = onOwnChange
            (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            continuation.onTermination = { _ in onEnd() }
        }

        func take() -> StoreChange {
            pending.withLock { pending in
                defer { pending = StoreChange() }
                return pending
            }
        }

        fileprivate func tell(_ change: StoreChange, isOwn: Bool) {
            if isOwn && onOwnChange(change) { return }
            pending.withLock { $0.merge(change) }
            continuation.yield()
        }

        fileprivate func end() { continuation.finish() }
    }

    private struct State {
        var next = 0
        var listeners: [Int: Listener] = [:]
        var isClosed = false
        /// Receives notifications, and makes listeners look from time to time; from the first listener on.
        var receivers: [Task<Void, Never>] = []
        var unsent = StoreChange()
        /// Sends, as long as there is something to send.
        var sender: Task<Void, Never>?
        /// When the last one was sent.
        var sentAt: ContinuousClock.Instant?
        /// Starts the sender at the end of ``quietPause``.
        var timer: Task<Void, Never>?
        /// Whether the server sends notifications, or never will.
        var isHearing = false
        var hearingWaiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var revocationListeners: [Int: @Sendable (String) -> Void] = [:]
    }

    /// See ``WorkerRegistry/register(_:as:)``.
    let revocations: TimedRevocationMark

    private let connections: PostgresConnections
    private let logger: Logger
    private let state = Mutex(State())
    /// Precedes the text of this process's notifications, which its listeners need not hear again.
    private let id = String(UInt64.random(in: .min ... .max), radix: 36)

    /// - Parameter milliseconds: A monotonic clock.
    init(_ connections: PostgresConnections, logger: Logger, milliseconds: @escaping @Sendable () -> Int64) {
        self.connections = connections
        self.logger = logger
        revocations = TimedRevocationMark(milliseconds: milliseconds)
    }

    // MARK: - Listening

    /// A listener whose signals end with ``close()``.
    ///
    /// - Parameter onOwnChange: Called at once with changes of this process; `true`: that is all.
    func listen(onOwnChange: @escaping @Sendable (StoreChange) -> Bool = { _ in false }) -> Listener {
        state.withLock { state in
            state.next += 1
            let number = state.next
            let listener = Listener(onOwnChange: onOwnChange) { [weak self] in
                // Elsewhere: it may be ended under the lock.
                Task { [weak self] in _ = self?.state.withLock { $0.listeners.removeValue(forKey: number) } }
            }
            guard !state.isClosed else {
                listener.end()
                return listener
            }
            state.listeners[number] = listener
            if state.receivers.isEmpty { state.receivers = receivers() }
            return listener
        }
    }

    private func receivers() -> [Task<Void, Never>] {
        let (notifications, prefix) = (connections.notifications(Self.channel), id + " ")
        return [
            Task { [weak self] in
                for await text in notifications where !text.hasPrefix(prefix) {
                    // An empty one: some may have been missed.
                    let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
                    let change = words.count == 2 ? StoreChange(text: String(words[1])) : .everything
                    // Before the first one no worker has relied on the mark.
                    if self?.beginHearing() == false, change.revokes {
                        self?.revoked(by: words.count == 2 ? String(words[0]) : "")
                    }
                    self?.tell(change)
                }
                _ = self?.beginHearing()
            },
            Task { [weak self] in
                while !Task.isCancelled {
                    do { try await Task.sleep(for: Self.lookInterval) } catch { return }
                    self?.tell(.everything)
                }
            },
        ]
    }

    /// Waits until the mark of revocations follows what other processes do.
    ///
    /// - Returns: Whether it does so. If not it changes by itself, and so is late.
    func hear(within limit: Duration) async -> Bool {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let timeout = Task { [weak self] in
            do { try await Task.sleep(for: limit) } catch { return }
            self?.state.withLock { $0.hearingWaiters.removeValue(forKey: number) }?.resume(returning: false)
        }
        defer { timeout.cancel() }
        return await withCheckedContinuation { continuation in
            let isHearing = state.withLock { state in
                if state.isHearing || state.isClosed { return true }
                if state.receivers.isEmpty { state.receivers = receivers() }
                state.hearingWaiters[number] = continuation
                return false
            }
            if isHearing { continuation.resume(returning: true) }
        }
    }

    /// - Returns: Whether it does so only now.
    private func beginHearing() -> Bool {
        let (isNew, waiters) = state.withLock { state in
            defer { (state.isHearing, state.hearingWaiters) = (true, [:]) }
            return (!state.isHearing, state.hearingWaiters)
        }
        for waiter in waiters.values { waiter.resume(returning: true) }
        return isNew
    }

    private func tell(_ change: StoreChange, isOwn: Bool = false) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.tell(change, isOwn: isOwn) }
    }

    // MARK: - Revocations

    private func revoked(by origin: String) {
        revocations.change()
        for notify in state.withLock({ Array($0.revocationListeners.values) }) { notify(origin) }
    }

    /// See ``StintCore/SharedStore/listenToRevocations(_:)``.
    func listenToRevocations(_ notify: @escaping @Sendable (_ origin: String) -> Void) -> @Sendable () -> Void {
        let number = state.withLock { state in
            state.next += 1
            state.revocationListeners[state.next] = notify
            return state.next
        }
        return { [weak self] in _ = self?.state.withLock { $0.revocationListeners.removeValue(forKey: number) } }
    }

    func noteRevocation(by origin: String) { if origin != id { revocations.change() } }

    // MARK: - Sending

    /// - Parameter change: What a transaction that has been committed has changed.
    func announce(_ change: StoreChange) {
        guard change != StoreChange() else { return }
        if change.revokes { revoked(by: id) }
        tell(change, isOwn: true)
        state.withLock { state in
            guard !state.isClosed else { return }
            state.unsent.merge(change)
            startSender(&state)
        }
    }

    /// How long what is unsent has to wait; `nil`: there is nothing.
    private static func wait(_ state: State) -> Duration? {
        guard state.unsent != StoreChange() else { return nil }
        guard let sentAt = state.sentAt, !state.unsent.isUrgent, !state.isClosed else { return .zero }
        return sentAt + quietPause - .now
    }

    private func startSender(_ state: inout State) {
        guard state.sender == nil, let wait = Self.wait(state) else { return }
        if wait <= .zero {
            state.sender = Task { await self.send() }
        } else if state.timer == nil {
            state.timer = Task {
                do { try await Task.sleep(for: wait) } catch {}
                self.state.withLock { state in
                    state.timer = nil
                    self.startSender(&state)
                }
            }
        }
    }

    private func send() async {
        var failures = BackoffCounter(Backoff(first: .milliseconds(50), longest: .seconds(2), jitter: .half))
        var hasFailed = false
        while true {
            let change = state.withLock { state -> StoreChange? in
                guard let wait = Self.wait(state), wait <= .zero || hasFailed else {
                    state.sender = nil
                    startSender(&state)
                    return nil
                }
                defer { (state.unsent, state.sentAt) = (StoreChange(), .now) }
                return state.unsent
            }
            guard let change else { return }
            var delay = Self.pause
            do {
                _ = try await connections.run(
                    "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)", .text(Self.channel),
                    .text("\(id) \(change.text)"))
                failures.reset()
                hasFailed = false
            } catch {
                hasFailed = true
                logger.debug("a change was not announced; trying again", metadata: ["error": "\(error)"])
                let isClosed = state.withLock { state in
                    state.unsent.merge(change)
                    return state.isClosed
                }
                // Others find it when they look next.
                if isClosed { return }
                delay = failures.next()
            }
            // It is cancelled at the end: then what is left is sent at once.
            do { try await Task.sleep(for: delay) } catch {}
        }
    }

    /// Sends what is left, and ends all signals.
    func close() async {
        let (listeners, receivers, sender, timer) = state.withLock { state in
            state.isClosed = true
            startSender(&state)
            defer { (state.listeners, state.receivers) = ([:], []) }
            return (Array(state.listeners.values), state.receivers, state.sender, state.timer)
        }
        for receiver in receivers { receiver.cancel() }
        for listener in listeners { listener.end() }
        revocations.end()
        _ = beginHearing()
        timer?.cancel()
        sender?.cancel()
        await sender?.value
    }
}
