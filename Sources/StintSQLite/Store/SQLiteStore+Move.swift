import StintCore

/// What of a move refuses a write.
enum MoveFence {
    /// Changes what is here: refused while the database is frozen, after the move, and while jobs arrive.
    case change
    /// Adds jobs: after the move they are forwarded. Refused while jobs arrive.
    case enqueue
    /// Of the move itself.
    case none
}

extension SQLiteStore: MovableStore {
    private var name: String { "the database \(quoted(path))" }

    /// - Throws: ``StintError`` with the codes `databaseBusy`, `databaseMoved` or `databaseUnusable`.
    func check(_ fence: MoveFence, _ transaction: JobTransaction) throws {
        guard fence != .none else { return }
        let rows = try transaction.moves()
        guard !rows.isEmpty else { return }
        for row in rows {
            let state = row.state
            switch state.phase {
            case .copying, .arrived: break
            case .frozen:
                if fence == .change, row.isFrozen(at: transaction.now.wall) {
                    throw StintError.beingMoved(name, to: state.peer)
                }
            case .moved: if fence == .change { throw StintError.moved(name, to: state.peer) }
            case .arriving: if !options.isMover { throw StintError.arriving(name, from: state.peer) }
            }
        }
        if fence == .change { try checkRun(.in, transaction) }
    }

    /// - Throws: `invalidInput` if another process has begun to do the same move.
    private func checkRun(_ direction: MoveDirection, _ transaction: JobTransaction) throws {
        guard let run = moverRuns.withLock({ $0[direction] }) else { return }
        let row = try transaction.move(direction)
        guard row?.state.move.run == run, row?.state.phase != .arrived, row?.state.phase != .moved else {
            throw StintError.movedByOther(name)
        }
    }

    private func note(_ run: String, _ direction: MoveDirection) {
        moverRuns.withLock { $0[direction] = run.isEmpty ? nil : run }
    }

    package func moveState(_ direction: MoveDirection) async throws -> MoveState? {
        try await look { try $0.move(direction)?.state }
    }

    package func moveSignals() -> AsyncStream<Void> {
        do { return try open.revocations.changes() } catch { return AsyncStream { $0.finish() } }
    }

    package func beginMove(_ move: MoveID, to target: String) async throws {
        try await write(fence: .none) { [name] in try $0.beginMove(move, to: target, name) }
        note(move.run, .out)
    }

    package func notedChanges(limit: Int) async throws -> NotedChanges {
        let isMoved = try await look { transaction in
            try transaction.move(.out)?.state.phase == .moved && transaction.hasNotes()
        }
        guard isMoved else { return try await read { try $0.notedChanges(limit: limit) } }
        return try await write(weight: limit, diskFull: .useReserve, fence: .none) { try $0.sealNoted(limit: limit) }
    }

    package func removeNotes(_ notes: [Int64]) async throws {
        guard !notes.isEmpty else { return }
        try await write(weight: notes.count, diskFull: .useReserve, fence: .none) { [self] in
            try checkRun(.out, $0)
            try $0.removeNotes(notes)
        }
    }

    package func freeze(_ move: MoveID, for duration: Duration) async throws {
        try await write(fence: .none) { [self] in
            try checkRun(.out, $0)
            try $0.freeze(move, for: duration, name)
        }
    }

    package func greatestToken() async throws -> FencingToken { try await look { try $0.greatestToken() } }

    package func idempotencyKeys(
        after key: IdempotencyKeyRecord?, limit: Int
    ) async throws -> [IdempotencyKeyRecord] {
        try await read { try $0.idempotencyKeys(after: key, limit: limit) }
    }

    package func commitMove(_ move: MoveID, lastCopied: JobID?) async throws -> Bool {
        try await write(fence: .none) { [self] in
            try checkRun(.out, $0)
            return try $0.commitMove(move, lastCopied: lastCopied)
        }
    }

    package func abandonMove(_ move: MoveID) async throws {
        try await write(diskFull: .useReserve, fence: .none) { [name] in try $0.abandonMove(move, name) }
    }

    package func removeForwarded(_ jobs: [JobID], notes: [Int64]) async throws {
        try await write(weight: jobs.count, diskFull: .useReserve, fence: .none) {
            try $0.remove(jobs)
            try $0.removeNotes(notes)
        }
    }

    package func beginArrival(_ move: MoveID, from source: String) async throws {
        try await write(fence: .none) { [name] in try $0.beginArrival(move, from: source, name) }
        note(move.run, .in)
    }

    package func replaceJobs(_ ids: [JobID], with jobs: [StoredJob]) async throws {
        try StoredJob.check(jobs)
        try await write(weight: ids.count, diskFull: .refuse) { try $0.replaceJobs(ids, with: jobs) }
    }

    package func addIdempotencyKeys(_ keys: [IdempotencyKeyRecord]) async throws {
        guard !keys.isEmpty else { return }
        try await write(weight: keys.count, diskFull: .refuse) { try $0.add(keys) }
    }

    package func raiseTokens(above token: FencingToken) async throws {
        try await write(diskFull: .refuse) { try $0.raiseTokens(above: token) }
    }

    package func endArrival(_ move: MoveID) async throws {
        moverRuns.withLock { $0[.in] = nil }
        try await write(fence: .none) { [name] in try $0.endArrival(move, name) }
    }

    package func enqueueForwarded(_ jobs: [ForwardedJob], of move: MoveID) async throws {
        try await write(weight: jobs.count, diskFull: .refuse, fence: .enqueue) {
            try $0.enqueueForwarded(jobs, of: move)
        }
    }

    package func scheduleTicks() async throws -> [ScheduleTicks] { try await look { try $0.scheduleTicks() } }

    package func setScheduleTicks(_ ticks: [ScheduleTicks]) async throws {
        try await write(diskFull: .refuse) { try $0.setScheduleTicks(ticks) }
    }
}
