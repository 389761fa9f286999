import Synchronization

/// Passes a signal to everyone who waits in this process. Signals that come while nobody looks become one.
final class WakeUpSignals: Sendable {
    private let listeners = Mutex<(next: Int, continuations: [Int: AsyncStream<Void>.Continuation])>((0, [:]))

    func stream() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = listeners.withLock { listeners in
            listeners.next += 1
            listeners.continuations[listeners.next] = continuation
            return listeners.next
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.continuations.removeValue(forKey: number) }
        }
        return stream
    }

    func send() {
        for continuation in listeners.withLock({ $0.continuations.values.map(\.self) }) { continuation.yield() }
    }
}
