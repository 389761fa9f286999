import StintCore
import Synchronization

/// Which jobs a worker has started.
final class InMemoryScoreboard: Scoreboard {
    private struct Start {
        let time: Int64
        let maxAttempts: Int?
    }

    private struct State {
        var started: [Lease: Start]? = [:]
        var hasOrderToStop = false
    }

    private let now: @Sendable () -> StoreTime
    private let state = Mutex(State())

    init(now: @escaping @Sendable () -> StoreTime) {
        self.now = now
    }

    func note(ended: Lease?, started: Lease?, maxAttempts: Int?) {
        let time = now().monotonic
        state.withLock { state in
            if let ended { state.started?[ended] = nil }
            if let started {
                state.started?[started] = Start(time: time, maxAttempts: maxAttempts)
            }
        }
    }

    func noteOrderToStop() { state.withLock { $0.hasOrderToStop = true } }

    func read() -> (started: [StartedJob]?, hasOrderToStop: Bool) {
        let time = now().monotonic
        return state.withLock { state in
            let started = state.started?.sorted { $0.key.job < $1.key.job }.map { lease, start in
                StartedJob(
                    lease: lease, runTime: time < start.time ? nil : .milliseconds(time - start.time),
                    maxAttempts: start.maxAttempts)
            }
            return (started, state.hasOrderToStop)
        }
    }

    /// Makes the started jobs unknown.
    func lose() { state.withLock { $0.started = nil } }
}
