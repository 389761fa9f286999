import StintCore
import Synchronization

/// What the workers of this process have started. It ends with the process: what the workers of other processes have
/// started is unknown here, and so, if such a process dies, no job is blamed that shared it with others.
final class PostgresScoreboards: Sendable {
    private let boards = Mutex<[WorkerID: ProcessScoreboard]>([:])
    /// Milliseconds that follow no clock that is set; the tests' clock if there is one.
    private let clock: @Sendable () -> Int64

    init(clock: @escaping @Sendable () -> Int64) { self.clock = clock }

    /// The same for a worker that registers again.
    func open(for worker: WorkerID) -> ProcessScoreboard {
        boards.withLock { boards in
            if let known = boards[worker] { return known }
            let board = ProcessScoreboard(now: clock)
            boards[worker] = board
            return board
        }
    }

    /// `nil`: it is unknown.
    func read(_ worker: WorkerID) -> (started: [StartedJob]?, hasOrderToStop: Bool)? {
        boards.withLock { $0[worker] }?.read()
    }

    func remove(_ worker: WorkerID) { boards.withLock { _ = $0.removeValue(forKey: worker) } }
}
