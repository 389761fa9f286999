import StintCore

/// The verbs of a `WorkerRegistry`. Who is alive is not known for certain, since workers are on other machines: a worker
/// that does not extend its leases loses its jobs, and one that is not renewed is forgotten.
extension PostgresStore {
    /// Longer than it takes to connect.
    private static let longestWaitForNotifications: Duration = .seconds(10)

    package func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        let id = try await change { try await $0.register(worker, as: id) }
        // From now on the worker relies on the mark.
        if await !announcer.hear(within: Self.longestWaitForNotifications) {
            logger.warning(
                """
                the server's notifications do not arrive; revoked jobs are noticed within \(TimedRevocationMark.limit), and \
                new jobs within \(ChangeAnnouncer.lookInterval)
                """)
        }
        return RegisteredWorker(
            id: id, scoreboard: scoreboards.open(for: id), runLock: runLock, revocations: announcer.revocations)
    }

    package func deregister(_ worker: WorkerID) async throws {
        try await change { try await $0.forget([worker]) }
        scoreboards.remove(worker)
    }

    package func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try await read { try await $0.leases(heldBy: worker) }
    }

    package func workers() async throws -> [WorkerRecord] { try await read { try await $0.workerRecords() } }

    package func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        let ended = try await change { transaction in
            try await transaction.lockForReclaim(workers)
            return try await transaction.reclaim(from: workers, end)
        }
        for worker in ended.workers { scoreboards.remove(worker) }
        return ended.report
    }

    /// No death is known for certain.
    package func reclaimDead() async throws -> ReapReport {
        try checkStillThere()
        return ReapReport()
    }

    /// Nobody could know for certain that it lives.
    package func registerSupervisor() async throws -> (any SupervisorSign)? {
        try checkStillThere()
        return nil
    }

    package func requestRestart() async throws { try await change { try await $0.requestRestart() } }

    package func latestRestartRequest() async throws -> Int64 {
        try await read { try await $0.latestRestartRequest() }
    }

    package func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await change { try await $0.order(order, to: worker) }
    }

    package func order(of worker: WorkerID) async throws -> WorkerOrder? {
        try await read { try await $0.order(of: worker) }
    }
}
