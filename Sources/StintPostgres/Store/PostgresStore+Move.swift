import StintCore

/// A move to another database or from one; see `stint.moves`. The mover is the owner of the tables.
extension PostgresStore: MovableStore {
    package func moveState(_ direction: MoveDirection) async throws -> MoveState? {
        try await read { try await $0.moveState(direction) }
    }

    private func note(_ run: String, _ direction: MoveDirection) {
        moverRuns.withLock { $0[direction] = run.isEmpty ? nil : run }
    }

    package func moveSignals() -> AsyncStream<Void> { signals { $0.revokes } }

    // MARK: - The database that is left

    package func beginMove(_ move: MoveID, to target: String) async throws {
        try await alone { try await $0.beginMove(move, to: target) }
        note(move.run, .out)
    }

    package func notedChanges(limit: Int) async throws -> NotedChanges {
        try await change { try await $0.notedChanges(limit: limit) }
    }

    package func removeNotes(_ notes: [Int64]) async throws {
        try await change {
            try await $0.checkRun(.out)
            try await $0.removeNotes(notes)
        }
    }

    package func freeze(_ move: MoveID, for duration: Duration) async throws {
        try await alone {
            try await $0.checkRun(.out)
            try await $0.freeze(move, for: duration)
        }
    }

    package func greatestToken() async throws -> FencingToken { try await read { try await $0.greatestToken() } }

    package func idempotencyKeys(
        after key: IdempotencyKeyRecord?, limit: Int
    ) async throws -> [IdempotencyKeyRecord] {
        try await read { try await $0.idempotencyKeys(after: key, limit: limit) }
    }

    package func commitMove(_ move: MoveID, lastCopied: JobID?) async throws -> Bool {
        try await alone(within: .seconds(10)) {
            try await $0.checkRun(.out)
            return try await $0.commitMove(move, lastCopied: lastCopied)
        }
    }

    package func abandonMove(_ move: MoveID) async throws {
        guard try await moveState(.out) != nil else { return }
        try await alone(.all) { try await $0.abandonMove(move) }
    }

    package func removeForwarded(_ jobs: [JobID], notes: [Int64]) async throws {
        try await change { try await $0.removeForwarded(jobs, notes: notes) }
    }

    // MARK: - The database to which the jobs go

    package func beginArrival(_ move: MoveID, from source: String) async throws {
        try await alone { try await $0.beginArrival(move, from: source) }
        note(move.run, .in)
    }

    package func replaceJobs(_ ids: [JobID], with jobs: [StoredJob]) async throws {
        try StoredJob.check(jobs)
        try await change { try await $0.replaceJobs(ids, with: jobs) }
    }

    package func addIdempotencyKeys(_ keys: [IdempotencyKeyRecord]) async throws {
        try await change { try await $0.addIdempotencyKeys(keys) }
    }

    package func raiseTokens(above token: FencingToken) async throws {
        try await change { try await $0.raiseTokens(above: token) }
    }

    /// It is open as soon as the row says so. The triggers go afterwards: whoever reads for long keeps them, and until a
    /// later move they cost a little.
    package func endArrival(_ move: MoveID) async throws {
        moverRuns.withLock { $0[.in] = nil }
        guard try await change({ try await $0.endArrival(move) }) else { return }
        do {
            try await alone(.all, within: .seconds(5)) { try await $0.dropArrivalTriggers() }
        } catch let error as StintError where error.code == .databaseBusy {
            logger.warning(
                "the triggers that kept others out could not be removed; they let everybody pass",
                metadata: ["error": "\(error)"])
        }
    }

    package func enqueueForwarded(_ jobs: [ForwardedJob], of move: MoveID) async throws {
        try await change(isEnqueue: true) { try await $0.enqueueForwarded(jobs, of: move) }
    }

    package func scheduleTicks() async throws -> [ScheduleTicks] { try await read { try await $0.scheduleTicks() } }

    package func setScheduleTicks(_ ticks: [ScheduleTicks]) async throws {
        try await change { try await $0.setScheduleTicks(ticks) }
    }

    // MARK: - Table locks

    /// Runs a verb while nobody else writes to the tables, or reads them: whatever was begun before has ended.
    ///
    /// Whoever comes meanwhile waits. So that nobody waits for long, the locks are given up when they are not had within
    /// a second, and asked for again a little later.
    private func alone<Value: Sendable>(
        _ lock: TableLock = .writers, within patience: Duration = .seconds(60),
        _ verb: @Sendable (JobTransaction) async throws -> Value
    ) async throws -> Value {
        let begin = ContinuousClock.now
        var tries = BackoffCounter(Backoff(first: .milliseconds(100), longest: .seconds(1), jitter: .half))
        while true {
            let endsVacuum = tries.failures % 4 == 3
            do {
                return try await change { transaction in
                    try await transaction.lockTables(lock, endsVacuum: endsVacuum)
                    return try await verb(transaction)
                }
            } catch let error as StintError where error.code == .databaseBusy && ContinuousClock.now - begin < patience
            {
                try await Task.sleep(for: tries.next())
            }
        }
    }
}

/// Whom a lock of all tables keeps out.
enum TableLock: String {
    case writers = "SHARE ROW EXCLUSIVE"
    case all = "ACCESS EXCLUSIVE"
}
