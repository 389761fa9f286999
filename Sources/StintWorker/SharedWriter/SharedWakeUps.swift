import StintCore
import Synchronization

/// The wake-ups of a store for any number of listeners: those with the same queues share one stream.
final class SharedWakeUps: Sendable {
    private struct Stream {
        var listeners: [Int: @Sendable (NextReady) -> Void] = [:]
        var task: Task<Void, Never>?
    }

    private struct State {
        var streams: [[QueueName]: Stream] = [:]
        var lastNumber = 0
    }

    private let store: any JobStore
    private let state = Mutex(State())

    init(_ store: any JobStore) {
        self.store = store
    }

    struct Listener: Sendable {
        fileprivate let wakeUps: SharedWakeUps
        fileprivate let queues: [QueueName]
        fileprivate let number: Int

        func stop() { wakeUps.stop(self) }
    }

    /// - Parameter notify: Called with each wake-up from now on. It must not block.
    func listen(to queues: [QueueName], _ notify: @escaping @Sendable (NextReady) -> Void) -> Listener {
        state.withLock { state in
            state.lastNumber += 1
            state.streams[queues, default: Stream()].listeners[state.lastNumber] = notify
            if state.streams[queues]?.task == nil {
                // The stream exists when this returns, so that no later change is missed.
                let wakeUps = store.wakeUps(in: queues)
                state.streams[queues]?.task = Task { [weak self] in
                    for await next in wakeUps { self?.notify(queues, next) }
                }
            }
            return Listener(wakeUps: self, queues: queues, number: state.lastNumber)
        }
    }

    /// `unknown` (nothing is ready) is not passed on: no idle worker need wake for it.
    private func notify(_ queues: [QueueName], _ next: NextReady) {
        guard next != .unknown else { return }
        let listeners = state.withLock { Array(($0.streams[queues]?.listeners ?? [:]).values) }
        for notify in listeners { notify(next) }
    }

    private func stop(_ listener: Listener) {
        let task = state.withLock { state -> Task<Void, Never>? in
            state.streams[listener.queues]?.listeners[listener.number] = nil
            guard state.streams[listener.queues]?.listeners.isEmpty == true else { return nil }
            return state.streams.removeValue(forKey: listener.queues)?.task
        }
        task?.cancel()
    }
}
