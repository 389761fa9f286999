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

    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    /// - Parameter now: Milliseconds by a clock that is never set.
    init(now: @escaping @Sendable () -> Int64) {
        self.now = now
    }

    func note(ended: Lease?, started: Lease?, maxAttempts: Int?) {
        let time = now()
        state.withLock { state in
            if let ended { state.started?[ended] = nil }
            if let started {
                state.started?[started] = Start(time: time, maxAttempts: maxAttempts)
            }
        }
    }

    func noteOrderToStop() { state.withLock { $0.hasOrderToStop = true } }

    /// What the worker has started, or `nil` if that is unknown, and whether it was ordered to stop.
    func read() -> (started: [StartedJob]?, hasOrderToStop: Bool) {
        let time = now()
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
