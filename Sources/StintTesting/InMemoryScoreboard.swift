import StintCore
import Synchronization

/// Which jobs a worker has started.
final class InMemoryScoreboard: Scoreboard {
    private struct State {
        var started: [Lease: StartedJob]? = [:]
        var hasOrderToStop = false
    }

    private let clock: any QueueClock
    private let state = Mutex(State())

    init(clock: any QueueClock) {
        self.clock = clock
    }

    func note(ended: Lease?, started: Lease?, maxAttempts: Int?) {
        let now = clock.now().monotonic
        state.withLock { state in
            if let ended { state.started?[ended] = nil }
            if let started {
                state.started?[started] = StartedJob(lease: started, startedAt: now, maxAttempts: maxAttempts)
            }
        }
    }

    func noteOrderToStop() { state.withLock { $0.hasOrderToStop = true } }

    func read() -> (started: [StartedJob]?, hasOrderToStop: Bool) {
        state.withLock { state in
            let started = state.started?.values.sorted { $0.lease.job.rawValue < $1.lease.job.rawValue }
            return (started, state.hasOrderToStop)
        }
    }

    /// Makes the started jobs unknown.
    func lose() { state.withLock { $0.started = nil } }
}
