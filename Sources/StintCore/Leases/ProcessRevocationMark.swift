import Synchronization

/// A mark in the memory of one process, for stores that tell other processes in another way, or have none.
///
/// A store calls ``change()`` whenever jobs are revoked from their holders, before the call that has done it returns.
public final class ProcessRevocationMark: RevocationMark {
    private struct State {
        var value: UInt64 = 0
        var next = 0
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var isOver = false
    }

    private let state = Mutex(State())

    public init() {}

    public func read() -> UInt64 { state.withLock(\.value) }

    /// Changes the value, and emits.
    public func change() {
        let listeners = state.withLock { state in
            state.value += 1
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    public func changes() -> AsyncStream<Void> {
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

    /// Ends all streams, when the store is closed.
    public func end() {
        let listeners = state.withLock { state in
            state.isOver = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
