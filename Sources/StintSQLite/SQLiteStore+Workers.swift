import StintCore

extension SQLiteStore {
    public func register(
        _ worker: WorkerRegistration, as id: WorkerID?, now: Moment
    ) async throws -> RegisteredWorker {
        let (id, known) = try await write(now: now) { transaction in
            (try transaction.register(worker, as: id), try transaction.knownWorkers())
        }
        // The entry stands before its board does, so a board without an entry is of nobody.
        let board = try await writer.run { [boards] _ in
            boards.sweep(before: id, keeping: known.ids, supervisors: known.supervisors)
            return boards.open(for: id, capacity: worker.concurrency)
        }
        return RegisteredWorker(id: id, board: board, room: room, revocations: revocations)
    }

    public func deregister(_ worker: WorkerID, now: Moment) async throws {
        try await write(now: now, urgency: .finishes) { try $0.forget(worker) }
        boards.remove(worker)
    }

    public func leases(heldBy worker: WorkerID) async throws -> [HeldJob] {
        try await read { try $0.leases(heldBy: worker) }
    }

    public func workers() async throws -> [WorkerRecord] {
        try await read { [boards] in try $0.workers(boards) }
    }

    public func deadWorkers() async throws -> [WorkerRecord] {
        try await read { [boards] in try $0.deadWorkers(boards) }
    }

    public func takeBack(from workers: [WorkerID], _ end: WorkerEnd, now: Moment) async throws -> ReapReport {
        let ended = try await write(now: now, urgency: .finishes) { [boards] in
            try $0.takeBack(from: workers, end, boards)
        }
        for worker in ended.workers { boards.remove(worker) }
        return ended.report
    }

    /// Where the file cannot be made, jobs of workers that die with their supervisor come back when their leases end.
    public func registerSupervisor() async throws -> (any SupervisorSign)? {
        try await writer.run { [boards] _ in boards.signOfSupervisor() }
    }

    public func requestRestart(now: Moment) async throws {
        try await write(now: now, urgency: .finishes) { try $0.requestRestart() }
    }

    public func latestRestartRequest() async throws -> Int64 {
        try await look { try $0.latestRestartRequest() }
    }

    public func failures(limit: Int) async throws -> [FailedJob] {
        try await read { try $0.failures(limit: limit) }
    }

    /// As if the process of the worker had died: the kernel frees its lock. For tests.
    package func abandon(_ worker: WorkerID) { boards.abandon(worker) }

    /// What it remembers of times, as if the process were a new one. For simulated worlds, which use a store again.
    package func forgetTimes() {
        unheldLooks.forget()
    }

    /// See ``ReaderPool/fill()``.
    package func openReaders() throws { try longReaders.fill() }

    package func signOfSupervisor() -> SupervisorFile? { boards.signOfSupervisor() }
}
