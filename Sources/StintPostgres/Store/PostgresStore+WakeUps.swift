import StintCore
import Synchronization

extension PostgresStore {
    public var safetyLookInterval: Duration? { ChangeAnnouncer.lookInterval }

    public func changes() -> AsyncStream<Void> { signals { $0.isAny } }

    public func scheduleChanges() -> AsyncStream<Void> { signals { $0.changesSchedules } }

    /// Emits whenever there was a change of this kind.
    func signals(_ isMeant: @escaping @Sendable (StoreChange) -> Bool) -> AsyncStream<Void> {
        let listener = announcer.listen()
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let task = Task {
            for await _ in listener.signals where isMeant(listener.take()) { continuation.yield() }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    /// A change of this process wakes at once, without a look: its caller may ask right after it. For one of another
    /// process the store looks first, so that idle workers do not all claim.
    public func wakeUps(in queues: [QueueName]) -> AsyncStream<NextReady> {
        let (stream, continuation) = AsyncStream.makeStream(of: NextReady.self, bufferingPolicy: .bufferingNewest(1))
        // How many changes of this process there were: what was read before one of them is not emitted after it.
        let ownChanges = WakeUpCount()
        let listener = announcer.listen { [weak self] change in
            if self?.concerns(change, queues) == true {
                ownChanges.increment { continuation.yield(.now) }
            }
            return true
        }
        let task = Task { [weak self] in
            for await _ in listener.signals {
                let change = listener.take()
                guard let self, concerns(change, queues) else { continue }
                let before = ownChanges.value
                do {
                    let next = try await nextReady(in: queues, passingOverSuspects: false)
                    ownChanges.ifStill(before) { if next != .unknown { continuation.yield(next) } }
                } catch {
                    // The caller's own look gets the error too, and can report it.
                    continuation.yield(.now)
                }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }

    private func concerns(_ change: StoreChange, _ queues: [QueueName]) -> Bool {
        guard !change.wakes.isEmpty else { return false }
        let ids = knownQueues.ids(of: queues)
        // A queue that is not known yet may be one of those that are named.
        return ids.contains { $0.map(change.concerns) ?? true }
    }
}

/// A count under a lock, which is also held while something is done that depends on it.
private final class WakeUpCount: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func increment(_ body: () -> Void) {
        count.withLock { count in
            count += 1
            body()
        }
    }

    /// Runs `body` if the count is still this.
    func ifStill(_ value: Int, _ body: () -> Void) {
        count.withLock { if $0 == value { body() } }
    }
}
