import StintCore
import StintPlatform
import StintRunFiles
import Synchronization

extension SQLiteStore {
    public func register(
        _ worker: WorkerRegistration, as id: WorkerID?
    ) async throws -> RegisteredWorker {
        // One call: a store that is closed in between must not keep an entry.
        let open = try beginCall()
        defer { endCall() }
        let (id, scoreboard) = try await enroll(worker, as: id) { scoreboards, id in
            scoreboards.open(for: id, capacity: worker.concurrency)
        }
        return RegisteredWorker(id: id, scoreboard: scoreboard, runLock: runLock, revocations: open.revocations)
    }

    public func deregister(_ worker: WorkerID) async throws {
        let open = try open
        // Of a worker that ends because the database was moved, too.
        try await write(diskFull: .useReserve, fence: .none) { try $0.forget(worker) }
        open.scoreboards.remove(worker)
    }

    public func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try await read { try $0.leases(heldBy: worker) }
    }

    public func workers() async throws -> [WorkerRecord] {
        let scoreboards = try open.scoreboards
        return try await read { try $0.workers(scoreboards) }
    }

    public func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        let scoreboards = try open.scoreboards
        let ended = try await write(diskFull: .useReserve, fence: .none) {
            try $0.reclaim(from: workers, end, scoreboards)
        }
        for worker in ended.workers { scoreboards.remove(worker) }
        return ended.report
    }

    public func reclaimDead() async throws -> ReapReport {
        let scoreboards = try open.scoreboards
        return try await reclaimDead(among: read { try $0.deadWorkers(scoreboards) })
    }

    /// If the file cannot be created, jobs of workers that die with their supervisor come back when their leases end.
    public func registerSupervisor() async throws -> (any SupervisorSign)? {
        let open = try beginCall()
        defer { endCall() }
        return try await open.writer.run { [scoreboards = open.scoreboards] _ in
            scoreboards.signOfSupervisor(process: getpid())
        }
    }

    public func requestRestart() async throws {
        try await write(diskFull: .useReserve) { try $0.requestRestart() }
    }

    public func latestRestartRequest() async throws -> Int64 {
        try await look { try $0.latestRestartRequest() }
    }

    public func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await write(diskFull: .useReserve) { try $0.order(order, to: worker) }
    }

    public func order(of worker: WorkerID) async throws -> WorkerOrder? {
        try await look { try $0.order(of: worker) }
    }

    public func restartSignals(every interval: Duration) -> AsyncStream<Void> {
        let known = Mutex<Int64?>(nil)
        return signals(every: interval) { transaction, _ in
            let latest = try transaction.latestRestartRequest()
            return known.withLock { known in
                defer { known = latest }
                return known != latest
            }
        }
    }

    public func failures(limit: Int) async throws -> [FailedJob] {
        try await read { try $0.failures(limit: limit) }
    }

    public func deaths(limit: Int) async throws -> [FailedJob] {
        try await read { try $0.deaths(limit: limit) }
    }

    /// Acts as if the process of the worker had died: the kernel frees its lock. For tests.
    package func abandon(_ worker: WorkerID) { lifecycle.withLock { $0.open?.scoreboards.abandon(worker) } }

    /// Forgets times, as if the process were a new one. For simulated worlds, which use a store again.
    package func forgetTimes() {
        unheldLooks.forget()
        groupSweep.forget()
        indexSweep.forget()
    }

    /// See ``ReaderPool/fill()``.
    package func openReaders() throws { try open.longReaders.fill() }

    /// - Parameter process: See ``SupervisorFile/init(prefix:like:process:)``.
    package func signOfSupervisor(process: Int32 = getpid()) -> SupervisorFile? {
        lifecycle.withLock(\.open)?.scoreboards.signOfSupervisor(process: process)
    }
}
