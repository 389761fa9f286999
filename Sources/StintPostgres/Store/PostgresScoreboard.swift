import StintCore
import Synchronization

/// What the workers of this process have started. It ends with the process: what the workers of other processes have
/// started is unknown here, and so, if such a process dies, no job is blamed that shared it with others.
final class PostgresScoreboards: Sendable {
    private let boards = Mutex<[WorkerID: PostgresScoreboard]>([:])
    /// Milliseconds that follow no clock that is set; the tests' clock if there is one.
    private let clock: @Sendable () -> Int64

    init(clock: @escaping @Sendable () -> Int64) { self.clock = clock }

    /// The same for a worker that registers again.
    func open(for worker: WorkerID) -> PostgresScoreboard {
        boards.withLock { boards in
            if let known = boards[worker] { return known }
            let board = PostgresScoreboard(now: clock)
            boards[worker] = board
            return board
        }
    }

    /// `nil`: it is unknown.
    func read(_ worker: WorkerID) -> (started: [StartedJob], hasOrderToStop: Bool)? {
        boards.withLock { $0[worker] }?.read()
    }

    func remove(_ worker: WorkerID) { boards.withLock { _ = $0.removeValue(forKey: worker) } }
}

/// Which jobs a worker of this process has started.
final class PostgresScoreboard: Scoreboard {
    private struct State {
        var started: [Lease: (time: Int64, maxAttempts: Int?)] = [:]
        var hasOrderToStop = false
    }

    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    init(now: @escaping @Sendable () -> Int64) { self.now = now }

    func note(ended: Lease?, started: Lease?, maxAttempts: Int?) {
        let time = now()
        state.withLock { state in
            if let ended { state.started[ended] = nil }
            if let started { state.started[started] = (time, maxAttempts) }
        }
    }

    func noteOrderToStop() { state.withLock { $0.hasOrderToStop = true } }

    func read() -> (started: [StartedJob], hasOrderToStop: Bool) {
        let time = now()
        return state.withLock { state in
            let started = state.started.sorted { $0.key.job < $1.key.job }.map { lease, start in
                StartedJob(
                    lease: lease, runTime: time < start.time ? nil : .milliseconds(time - start.time),
                    maxAttempts: start.maxAttempts)
            }
            return (started, state.hasOrderToStop)
        }
    }
}
