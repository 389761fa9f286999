import Foundation
import StintCore
import Synchronization

/// Tells everyone who waits in this process. Of several signals that nobody looked at the last one stays.
final class WakeUpSignals: Sendable {
    private struct Listener {
        let queues: [QueueName]
        let continuation: AsyncStream<NextReady>.Continuation
        var heard: NextReady?
    }

    private struct Listeners {
        var next = 0
        var all: [Int: Listener] = [:]
    }

    private let listeners = Mutex(Listeners())
    /// Guards `isOver`, and tells the thread that watches when there is somebody to tell.
    private let condition = NSCondition()
    private nonisolated(unsafe) var isOver = false

    func stream(_ queues: [QueueName]) -> AsyncStream<NextReady> {
        let (stream, continuation) = AsyncStream.makeStream(of: NextReady.self, bufferingPolicy: .bufferingNewest(1))
        let (number, isFirst) = listeners.withLock { listeners in
            listeners.next += 1
            listeners.all[listeners.next] = Listener(queues: queues, continuation: continuation)
            return (listeners.next, listeners.all.count == 1)
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.all.removeValue(forKey: number) }
        }
        if isFirst { condition.withLock { condition.broadcast() } }
        return stream
    }

    /// Who has heard that nothing is known to come is not told so again: commits in other queues wake nobody up.
    ///
    /// - Parameter next: What is ready in the queues of a listener.
    /// - Returns: Whether anybody was told anything.
    @discardableResult
    func send(_ next: (_ queues: [QueueName]) throws -> NextReady) rethrows -> Bool {
        var isTold = false
        for (number, listener) in listeners.withLock({ $0.all }) {
            let answer = try next(listener.queues)
            let before = listeners.withLock { listeners in
                defer { listeners.all[number]?.heard = answer }
                return listeners.all[number]?.heard
            }
            guard answer != .unknown || before != .unknown else { continue }
            listener.continuation.yield(answer)
            isTold = true
        }
        return isTold
    }

    /// Some jobs may be ready.
    func send() { send { _ in .now } }

    // MARK: - For the thread that watches

    private var hasListeners: Bool { listeners.withLock { !$0.all.isEmpty } }

    /// Blocks until somebody listens.
    ///
    /// - Returns: `false` when nobody ever will.
    func waitForListener() -> Bool {
        condition.withLock {
            while !isOver && !hasListeners { condition.wait() }
            return !isOver
        }
    }

    func end() {
        condition.withLock {
            isOver = true
            condition.broadcast()
        }
    }
}
