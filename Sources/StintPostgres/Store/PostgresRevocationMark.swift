import StintCore
import Synchronization

/// Changes whenever jobs are revoked from their holders: before the call of this process returns that has done it, and
/// with the notification of another process.
final class PostgresRevocationMark: RevocationMark {
    private struct State {
        var value: UInt64 = 0
        var next = 0
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var isOver = false
    }

    private let state = Mutex(State())

    func read() -> UInt64 { state.withLock(\.value) }

    func change() {
        let listeners = state.withLock { state in
            state.value += 1
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> Int? in
            guard !state.isOver else { return nil }
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    /// Ends all streams.
    func end() {
        let listeners = state.withLock { state in
            state.isOver = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
