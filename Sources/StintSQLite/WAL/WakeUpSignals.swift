import Foundation
import StintCore
import StintPlatform
import Synchronization

/// Notifies all listeners of this process. Only the newest unread value of each is kept.
final class WakeUpSignals: Sendable {
    private struct Listener {
        let queues: [QueueName]
        let continuation: AsyncStream<NextReady>.Continuation
        var heard: NextRun?
    }

    private struct TickListener {
        let continuation: AsyncStream<Void>.Continuation
        var heard: Timestamp?
    }

    private struct Listeners {
        var next = 0
        var all: [Int: Listener] = [:]
        var ticks: [Int: TickListener] = [:]
        var changes: [Int: AsyncStream<Void>.Continuation] = [:]

        var count: Int { all.count + ticks.count + changes.count }
    }

    private let clock: any QueueClock
    private let listeners = Mutex(Listeners())
    /// Guards `isOver`, and wakes the watching thread when there is a listener.
    private let condition = NSCondition()
    private nonisolated(unsafe) var isOver = false

    init(clock: any QueueClock = SystemClock()) {
        self.clock = clock
    }

    func stream(_ queues: [QueueName]) -> AsyncStream<NextReady> {
        let (stream, continuation) = AsyncStream.makeStream(of: NextReady.self, bufferingPolicy: .bufferingNewest(1))
        let (number, isFirst) = listeners.withLock { listeners in
            listeners.next += 1
            listeners.all[listeners.next] = Listener(queues: queues, continuation: continuation)
            return (listeners.next, listeners.count == 1)
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.all.removeValue(forKey: number) }
        }
        if isFirst { condition.withLock { condition.broadcast() } }
        return stream
    }

    /// A listener whose last value was `unknown` is not sent `unknown` again: commits in other queues wake no worker.
    ///
    /// - Parameters:
    ///   - repeats: Whether a listener is sent the same time once more.
    ///   - next: What is ready in the queues of a listener.
    /// - Returns: Whether any listener was notified.
    @discardableResult
    func send(repeats: Bool = true, _ next: (_ queues: [QueueName]) throws -> NextRun) rethrows -> Bool {
        var isTold = false
        for (number, listener) in listeners.withLock({ $0.all }) {
            let answer = try next(listener.queues)
            let before = listeners.withLock { listeners in
                defer { listeners.all[number]?.heard = answer }
                return listeners.all[number]?.heard
            }
            let isNews = answer == .now || answer != before
            guard isNews || repeats && answer != .unknown else { continue }
            listener.continuation.yield(answer.answer(at: clock.now().wall))
            isTold = true
        }
        return isTold
    }

    /// Some jobs may be ready.
    func send() { send { _ in .now } }

    // MARK: - Schedules

    /// Changes of the time of the next tick.
    func tickChanges() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (number, isFirst) = listeners.withLock { listeners in
            listeners.next += 1
            listeners.ticks[listeners.next] = TickListener(continuation: continuation)
            return (listeners.next, listeners.count == 1)
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.ticks.removeValue(forKey: number) }
        }
        if isFirst { condition.withLock { condition.broadcast() } }
        return stream
    }

    /// - Parameter next: When the next tick is due; called only if there is a listener.
    /// - Returns: Whether any listener was notified.
    func sendTickChange(_ next: () throws -> Timestamp?) rethrows -> Bool {
        guard listeners.withLock({ !$0.ticks.isEmpty }) else { return false }
        let next = try next()
        let told = listeners.withLock { listeners in
            var told: [AsyncStream<Void>.Continuation] = []
            for (number, listener) in listeners.ticks where listener.heard != next {
                listeners.ticks[number]?.heard = next
                told.append(listener.continuation)
            }
            return told
        }
        for continuation in told { continuation.yield() }
        return !told.isEmpty
    }

    /// The time of the next tick may have changed.
    func sendTickChange() {
        for listener in listeners.withLock({ Array($0.ticks.values) }) { listener.continuation.yield() }
    }

    // MARK: - All changes

    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (number, isFirst) = listeners.withLock { listeners in
            listeners.next += 1
            listeners.changes[listeners.next] = continuation
            return (listeners.next, listeners.count == 1)
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.changes.removeValue(forKey: number) }
        }
        if isFirst { condition.withLock { condition.broadcast() } }
        return stream
    }

    func sendChange() {
        for continuation in listeners.withLock({ Array($0.changes.values) }) { continuation.yield() }
    }

    // MARK: - For the thread that watches

    private var hasListeners: Bool { listeners.withLock { $0.count > 0 } }

    /// Blocks until there is a listener.
    ///
    /// - Returns: `false` if the watch is over.
    func waitForListener() -> Bool {
        condition.withLock {
            while !isOver && !hasListeners { condition.wait() }
            return !isOver
        }
    }

    /// Ends the streams of all listeners, and the watch.
    func end() {
        condition.withLock {
            isOver = true
            condition.broadcast()
        }
        let ended = listeners.withLock { listeners in
            defer { (listeners.all, listeners.ticks, listeners.changes) = ([:], [:], [:]) }
            return (
                Array(listeners.all.values), Array(listeners.ticks.values), Array(listeners.changes.values)
            )
        }
        for listener in ended.0 { listener.continuation.finish() }
        for listener in ended.1 { listener.continuation.finish() }
        for continuation in ended.2 { continuation.finish() }
    }
}
