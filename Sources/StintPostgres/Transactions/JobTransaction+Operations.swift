import StintCore

/// Operations: each step changes jobs and writes how far the operation is, in one transaction.
extension JobTransaction {
    private static let openColumns = """
        id, change, restores, selection, cursor, pass, pass_from, changed, skipped, driver, stepped_at
        """

    /// Whoever begins an operation or makes a step holds this lock until the commit, so the number of open ones is exact
    /// and one at a time makes steps. No queue has this number.
    private static let operationsLock: Int64 = -1

    // MARK: - Beginning

    func begin(_ operation: NewOperation) async throws -> BulkOperation {
        try await requireRoomForOperation()
        // Its first step is not made here.
        return try await insert(
            verb: operation.change.verb, change: operation.change, restores: nil, selection: operation.selection,
            filter: operation.filter, actor: operation.actor, total: operation.total, cursor: newWalk())
    }

    func beginRestore(of id: OperationID, by actor: String?) async throws -> BulkOperation {
        try await requireRoomForOperation()
        guard let deleted = try await operation(id) else { throw StintError.noOperation(id) }
        guard let until = deleted.restorableUntilMilliseconds, until > now.wall else {
            throw StintError.notRestorable(deleted)
        }
        // Nothing is purged meanwhile.
        let restored = try await run(
            "UPDATE stint.operations SET restorable_until = NULL WHERE id = $1 RETURNING restored", .int(id.rawValue)
        ).first?.int(0)
        return try await insert(
            verb: "restore", change: nil, restores: id, selection: nil, filter: deleted.filter, actor: actor,
            total: max(0, deleted.changed - Int(clamping: restored ?? 0)), cursor: nil)
    }

    private func requireRoomForOperation() async throws {
        try await lock([Self.operationsLock], exclusively: true)
        let open = try await run(
            "SELECT count(*) FROM stint.operations WHERE state IN ('running', 'paused')"
        ).first?.int(0)
        guard open ?? 0 < BulkOperation.maximumOpen else { throw StintError.tooManyOperations }
    }

    /// The record of a change of single jobs, which has ended.
    func record(_ change: JobChange, of ids: [JobID], by actor: String) async throws {
        _ = try await insert(
            verb: change.verb, change: change, restores: nil, selection: nil, filter: NewOperation.filter(of: ids),
            actor: actor, total: ids.count, cursor: nil, changed: ids.count)
    }

    /// - Parameter changed: Of one that has ended already.
    private func insert(
        verb: String, change: JobChange?, restores: OperationID?, selection: JobSelection?, filter: String,
        actor: String?, total: Int?, cursor: SelectionCursor?, changed: Int? = nil
    ) async throws -> BulkOperation {
        let row = try await run(
            """
            INSERT INTO stint.operations (verb, change, restores, selection, filter, actor, begun_at, ended_at, state, total,
                                          changed, cursor)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            RETURNING \(Self.operationColumns)
            """, .text(verb), .text(try change.map(StoredJSON.text)), .int(restores?.rawValue),
            .text(try selection.map(StoredJSON.text)), .text(filter.storable), .text(actor?.storable), .int(now.wall),
            .int(changed == nil ? nil : now.wall),
            .text((changed == nil ? BulkOperation.State.running : .done).rawValue), .int(total.map(Int64.init)),
            .int(Int64(changed ?? 0)), .text(cursor?.description)
        ).first
        guard let row else { throw StintError(.databaseUnusable, "an operation was not stored: see stint.operations") }
        let operation = try Self.bulkOperation(row)
        if operation.id.rawValue % 64 == 0 { try await pruneOperations() }
        return operation
    }

    // MARK: - Steps

    func turn(of driver: OperationDriver) async throws -> OpenOperation.Turn {
        let running = try await run(
            """
            SELECT \(Self.openColumns) FROM stint.operations
            WHERE state IN ('running', 'paused') AND state = 'running' ORDER BY stepped_at NULLS FIRST, id
            """
        ).map { row in
            OpenOperation(
                id: try row.int(0), change: try row.optionalText(1), restores: try row.optionalInt(2),
                selection: try row.optionalText(3), cursor: try row.optionalText(4), pass: try row.int(5),
                passFrom: try row.int(6), changed: try row.int(7), skipped: try row.int(8),
                driver: try row.optionalInt(9), steppedAt: try row.optionalInt(10))
        }
        return OpenOperation.turn(of: driver, among: running, now: now.wall)
    }

    /// Reads, in a transaction of its own, past jobs that do not meet the conditions.
    ///
    /// - Returns: `nil` if the next step may change something, or ends the operation.
    func lookAhead(_ driver: OperationDriver, pages: Int) async throws -> OpenOperation.Ahead? {
        guard case .mine(let operation) = try await turn(of: driver), let selection = operation.selection,
            let change = operation.change, var cursor = operation.cursor
        else { return nil }
        let start = cursor
        for _ in 0..<pages {
            let step = try await select(selection, operation.states, for: change, from: cursor, limit: 1).step
            guard step.jobs.isEmpty, let next = step.next else { break }
            cursor = next
        }
        return cursor == start
            ? nil : OpenOperation.Ahead(operation: operation.id, from: operation.storedCursor, to: cursor)
    }

    /// Makes one step of the operation whose turn it is.
    func step(by driver: OperationDriver, ahead: OpenOperation.Ahead?) async throws -> OperationStep {
        try await lock([Self.operationsLock], exclusively: true)
        switch try await turn(of: driver) {
        case .idle: return .idle
        case .elsewhere: return .elsewhere
        case .mine(let operation):
            let progress: OpenOperation.Progress
            if let restores = operation.restores {
                progress = try await restore(operation, restores)
            } else if let change = operation.change, let selection = operation.selection, let cursor = operation.cursor
            {
                progress = try await self.change(
                    operation, change, selection, from: operation.place(of: ahead) ?? cursor)
            } else {
                progress = .unreadable
            }
            try await write(progress, of: operation, by: driver)
            guard let record = try await self.operation(OperationID(rawValue: operation.id)) else { return .idle }
            return .made(record, changed: progress.changed)
        }
    }

    private func change(
        _ operation: OpenOperation, _ change: JobChange, _ selection: JobSelection, from cursor: SelectionCursor
    ) async throws -> OpenOperation.Progress {
        let (step, jobs) = try await select(
            selection, operation.states, for: change, from: cursor,
            limit: Int(min(Int64(Self.rowsPerStep), operation.left(of: selection))))
        var progress = OpenOperation.Progress(skipped: operation.skipped, cursor: step.next)
        if case .delete = change {
            progress.changed = try await setAside(jobs, by: operation.id)
        } else {
            let applied = try await apply(change, toFound: jobs)
            progress.changed = applied.changed.count
            progress.skipped += Int64(applied.keyTaken.count)
        }
        progress.endPass(of: operation, change, selection, start: step.start)
        return progress
    }

    private func restore(_ operation: OpenOperation, _ deleted: Int64) async throws -> OpenOperation.Progress {
        let (restored, skipped, next) = try await bringBack(
            of: deleted, after: operation.lastRestored, limit: Self.rowsPerStep)
        try await run(
            "UPDATE stint.operations SET restored = restored + $2 WHERE id = $1", .int(deleted), .int(Int64(restored)))
        return OpenOperation.Progress(
            changed: restored, skipped: operation.skipped + Int64(skipped),
            cursor: next.map(OpenOperation.place(afterRestored:)))
    }

    private func write(
        _ progress: OpenOperation.Progress, of operation: OpenOperation, by driver: OperationDriver
    ) async throws {
        let changed = operation.changed + Int64(progress.changed)
        try await run(
            """
            UPDATE stint.operations SET changed = $2, skipped = $3, cursor = $4, pass = $5, pass_from = $6, driver = $7,
                                        stepped_at = $8
            WHERE id = $1
            """, .int(operation.id), .int(changed), .int(progress.skipped),
            .text(progress.cursor?.description ?? operation.storedCursor),
            .int(operation.pass + (progress.beginsPass ? 1 : 0)),
            .int(progress.beginsPass ? changed : operation.passFrom), .int(driver.token), .int(now.wall))
        if progress.failure != nil || progress.cursor == nil {
            try await end(
                OperationID(rawValue: operation.id), as: progress.failure == nil ? .done : .failed, progress.failure)
        }
    }

    /// Ends an operation: from now on what it has deleted can be brought back, or what is left of it is purged.
    private func end(_ id: OperationID, as state: BulkOperation.State, _ failure: String?) async throws {
        _ = try await run([
            PostgresStatement(
                """
                UPDATE stint.operations SET state = $2, ended_at = $3, failure = $4,
                       restorable_until = CASE WHEN verb = 'delete' AND changed > 0 THEN $3 + $5 END
                WHERE id = $1
                """,
                [
                    .int(id.rawValue), .text(state.rawValue), .int(now.wall), .text(failure?.storable),
                    .int(BulkOperation.restoreTime.milliseconds),
                ]),
            // What a restore has left can be brought back until the time is over, or is purged.
            PostgresStatement(
                """
                UPDATE stint.operations o SET restorable_until = CASE
                    WHEN EXISTS (SELECT 1 FROM stint.deleted WHERE operation_id = o.id)
                    THEN greatest($2, ended_at + $3) END
                WHERE id = (SELECT restores FROM stint.operations WHERE id = $1)
                """, [.int(id.rawValue), .int(now.wall), .int(BulkOperation.restoreTime.milliseconds)]),
        ])
    }

    /// After an error that will not go away.
    func fail(_ driver: OperationDriver, _ error: StintError) async throws -> OperationStep {
        try await lock([Self.operationsLock], exclusively: true)
        guard case .mine(let operation) = try await turn(of: driver) else { return .elsewhere }
        let id = OperationID(rawValue: operation.id)
        try await end(id, as: .failed, error.description)
        return try await self.operation(id).map { .made($0, changed: 0) } ?? .idle
    }

    func control(_ id: OperationID, _ control: OperationControl) async throws -> BulkOperation {
        try await lock([Self.operationsLock], exclusively: true)
        guard let operation = try await operation(id) else { throw StintError.noOperation(id) }
        let next = try control.next(of: operation)
        if next.isEnded {
            try await end(id, as: next, nil)
        } else {
            try await run(
                "UPDATE stint.operations SET state = $2 WHERE id = $1", .int(id.rawValue), .text(next.rawValue))
        }
        return try await self.operation(id) ?? operation
    }

    // MARK: - Reading

    private static let operationColumns = """
        id, change, restores, filter, actor, begun_at, ended_at, state, failure, total, changed, skipped, restorable_until,
        verb
        """

    private static func bulkOperation(_ row: PostgresRow) throws -> BulkOperation {
        BulkOperation(
            id: OperationID(rawValue: try row.int(0)),
            action: BulkOperation.Action(
                stored: try row.optionalText(1), restores: try row.optionalInt(2), verb: try row.text(13)),
            filter: try row.text(3), actor: try row.optionalText(4), begunAt: try row.int(5),
            endedAt: try row.optionalInt(6), state: BulkOperation.State(rawValue: try row.text(7)) ?? .failed,
            failure: try row.optionalText(8), total: try row.optionalInt(9).map { Int(clamping: $0) },
            changed: Int(clamping: try row.int(10)), skipped: Int(clamping: try row.int(11)),
            restorableUntil: try row.optionalInt(12))
    }

    func operation(_ id: OperationID) async throws -> BulkOperation? {
        try await run("SELECT \(Self.operationColumns) FROM stint.operations WHERE id = $1", .int(id.rawValue))
            .first.map { try Self.bulkOperation($0) }
    }

    func operations(limit: Int, before id: OperationID?) async throws -> [BulkOperation] {
        guard limit >= 0 else { throw StintError.invalidInput("the limit is \(limit); it must be 0 or more") }
        return try await run(
            "SELECT \(Self.operationColumns) FROM stint.operations WHERE id < $1 ORDER BY id DESC LIMIT $2::bigint",
            .int(id?.rawValue ?? .max), .int(Int64(limit))
        ).map { try Self.bulkOperation($0) }
    }

    // MARK: - Old records

    /// $1: begun before this is too old, $2: the newest that is too old by its number. Only such that have ended and whose
    /// deleted jobs are gone; of the oldest ones a bounded number is looked at.
    private static let oldOperations = """
        SELECT id FROM (
            SELECT id, begun_at, state, restorable_until FROM stint.operations ORDER BY id LIMIT $3::bigint
        ) o
        WHERE (begun_at <= $1 OR id <= $2) AND state NOT IN ('running', 'paused') AND restorable_until IS NULL
            AND NOT EXISTS (
                SELECT 1 FROM stint.operations r
                WHERE r.restores = o.id AND r.state IN ('running', 'paused'))
        """

    private func ages() async throws -> [PostgresValue] {
        let newest = try await run("SELECT id FROM stint.operations ORDER BY id DESC LIMIT 1").first?.int(0) ?? 0
        return [
            .int(now.wall - BulkOperation.keptFor.milliseconds), .int(newest &- Int64(BulkOperation.maximumKept)),
        ]
    }

    /// Whether there are deleted jobs to purge, or records to delete.
    func hasOldOperations() async throws -> Bool {
        if try await hasDeletedToPurge() { return true }
        let statement = PostgresStatement(Self.oldOperations, try await ages() + [.int(10)])
        return try await !run([statement])[0].isEmpty
    }

    func pruneOperations() async throws {
        _ = try await run([
            PostgresStatement(
                "DELETE FROM stint.operations WHERE id IN (\(Self.oldOperations))", try await ages() + [.int(1_000)])
        ])
    }
}
