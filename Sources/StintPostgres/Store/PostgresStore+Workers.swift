import StintCore

/// The verbs of a `WorkerRegistry`. Of workers on this machine their files prove who lives (`PostgresScoreboards`). Of the
/// others it is not known: a worker that does not extend its leases loses its jobs, and one that is not renewed is
/// forgotten.
extension PostgresStore {
    public func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker {
        let place = preparePlace(for: id, capacity: worker.concurrency)
        return try await place.take(enroll(worker, as: id, scoreboard: place.scoreboard))
    }

    public func deregister(_ worker: WorkerID) async throws {
        let names = try await change { try await $0.forget([worker]) }
        scoreboards.remove([worker], names: names)
    }

    /// After a change of unknown outcome this decides what a worker does. So it waits for the standby, as a commit does: a
    /// change whose server process was ended while it waited can be seen, and a failover may still lose it.
    public func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try await read { try await $0.leases(heldBy: worker) }
    }

    public func workers() async throws -> [WorkerRecord] { try await read { try await $0.workerRecords() } }

    public func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport {
        let ended = try await change { transaction in
            try await transaction.lockForReclaim(workers)
            return try await transaction.reclaim(from: workers, end)
        }
        scoreboards.remove(ended.workers, names: ended.scoreboards)
        return ended.report
    }

    /// Those of this machine.
    public func reclaimDead() async throws -> ReapReport { try await reclaimDead(among: workers()) }

    /// If the file cannot be created, jobs of workers that die with their supervisor come back when their leases end.
    public func registerSupervisor() async throws -> (any SupervisorSign)? {
        try checkStillThere()
        return scoreboards.signOfSupervisor()
    }

    public func requestRestart() async throws { try await change { try await $0.requestRestart() } }

    public func latestRestartRequest() async throws -> Int64 {
        try await read { try await $0.latestRestartRequest() }
    }

    public func order(_ order: WorkerOrder?, to worker: WorkerID) async throws {
        try await change { try await $0.order(order, to: worker) }
    }

    public func order(of worker: WorkerID) async throws -> WorkerOrder? {
        try await read { try await $0.order(of: worker) }
    }
}
