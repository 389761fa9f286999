import StintCore

/// Operations: each step changes jobs and writes how far the operation is, in one transaction.
extension JobTransaction {
    static let openColumns = """
        id, change, restores, selection, cursor, pass, pass_from, changed, skipped, driver, stepped_at
        """

    // MARK: - Beginning

    static let openOperations = "SELECT count(*) FROM stint_operations WHERE state IN ('running', 'paused')"

    func begin(_ operation: NewOperation) throws -> BulkOperation {
        try requireRoomForOperation()
        // Its first step is not made here.
        return try insert(
            verb: operation.change.verb, change: operation.change, restores: nil, selection: operation.selection,
            filter: operation.filter, actor: operation.actor, total: operation.total, cursor: newWalk())
    }

    func beginRestore(of id: OperationID, by actor: String?) throws -> BulkOperation {
        try requireRoomForOperation()
        guard let deleted = try operation(id) else { throw StintError.noOperation(id) }
        guard let until = deleted.restorableUntilMilliseconds, until > now.wall else {
            throw StintError.notRestorable(deleted)
        }
        let restored = try statement("SELECT restored FROM stint_operations WHERE id = ?1").first(id.rawValue) {
            $0.int(0)
        }
        // Nothing is purged meanwhile.
        try statement("UPDATE stint_operations SET restorable_until = NULL WHERE id = ?1").execute(id.rawValue)
        return try insert(
            verb: "restore", change: nil, restores: id, selection: nil, filter: deleted.filter, actor: actor,
            total: max(0, deleted.changed - Int(min(max(0, restored ?? 0), Int64(Int32.max)))), cursor: nil)
    }

    private func requireRoomForOperation() throws {
        let open = try statement(Self.openOperations).first { $0.int(0) } ?? 0
        guard open < BulkOperation.maximumOpen else { throw StintError.tooManyOperations }
    }

    /// The record of a change of single jobs, which has ended.
    func record(_ change: JobChange, of ids: [JobID], by actor: String) throws {
        _ = try insert(
            verb: change.verb, change: change, restores: nil, selection: nil, filter: NewOperation.filter(of: ids),
            actor: actor, total: ids.count, cursor: nil, changed: ids.count)
    }

    /// - Parameter changed: Of one that has ended already.
    private func insert(
        verb: String, change: JobChange?, restores: OperationID?, selection: JobSelection?, filter: String,
        actor: String?, total: Int?, cursor: SelectionCursor?, changed: Int? = nil
    ) throws -> BulkOperation {
        let insert = try statement(
            """
            INSERT INTO stint_operations (verb, change, restores, selection, filter, actor, begun_at, ended_at, state, total,
                                          changed, cursor)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """)
        insert.bind(1, verb)
        insert.bind(2, try change.map(StoredJSON.text))
        insert.bind(3, restores?.rawValue)
        insert.bind(4, try selection.map(StoredJSON.text))
        insert.bind(5, filter.replacing("\0", with: "\u{FFFD}"))
        insert.bind(6, actor?.replacing("\0", with: "\u{FFFD}"))
        insert.bind(7, now.wall)
        insert.bind(8, changed == nil ? nil : now.wall)
        insert.bind(9, (changed == nil ? BulkOperation.State.running : .done).rawValue)
        insert.bind(10, total.map(Int64.init))
        insert.bind(11, Int64(changed ?? 0))
        insert.bind(12, cursor?.description)
        let id = try insert.insertedID()
        if id % 64 == 0 { try pruneOperations() }
        guard let operation = try operation(OperationID(rawValue: id)) else {
            throw StintError(.databaseUnusable, "operation \(id) is not stored: another program changed the tables")
        }
        return operation
    }

    // MARK: - Steps

    static let runningOperations = """
        SELECT \(openColumns) FROM stint_operations
        WHERE state IN ('running', 'paused') AND state = 'running' ORDER BY stepped_at, id
        """

    static let anyRunningOperation = """
        SELECT 1 FROM stint_operations WHERE state IN ('running', 'paused') AND state = 'running' LIMIT 1
        """

    func hasRunningOperation() throws -> Bool {
        try statement(Self.anyRunningOperation).first { _ in true } == true
    }

    func turn(of driver: OperationDriver) throws -> OpenOperation.Turn {
        OpenOperation.turn(
            of: driver, among: try statement(Self.runningOperations).rows(read: OpenOperation.init), now: now.wall)
    }

    /// Reads, without the write lock, past jobs that do not meet the conditions.
    ///
    /// - Returns: `nil` if the next step may change something, or ends the operation.
    func lookAhead(_ driver: OperationDriver, pages: Int) throws -> OpenOperation.Ahead? {
        guard case .mine(let operation) = try turn(of: driver), let selection = operation.selection,
            let change = operation.change, var cursor = operation.cursor
        else { return nil }
        let start = cursor
        for _ in 0..<pages {
            let step = try select(selection, operation.states, for: change, from: cursor, limit: 1).step
            guard step.jobs.isEmpty, let next = step.next else { break }
            cursor = next
        }
        return cursor == start
            ? nil : OpenOperation.Ahead(operation: operation.id, from: operation.storedCursor, to: cursor)
    }

    /// Makes one step of the operation whose turn it is.
    func step(by driver: OperationDriver, ahead: OpenOperation.Ahead?) throws -> OperationStep {
        switch try turn(of: driver) {
        case .idle: return .idle
        case .elsewhere: return .elsewhere
        case .mine(let operation):
            let progress: OpenOperation.Progress
            if let restores = operation.restores {
                progress = try restore(operation, restores)
            } else if let change = operation.change, let selection = operation.selection, let cursor = operation.cursor
            {
                progress = try self.change(
                    operation, change, selection, from: operation.place(of: ahead) ?? cursor)
            } else {
                progress = .unreadable
            }
            try write(progress, of: operation, by: driver)
            guard let record = try self.operation(OperationID(rawValue: operation.id)) else { return .idle }
            return .made(record, changed: progress.changed)
        }
    }

    private func change(
        _ operation: OpenOperation, _ change: JobChange, _ selection: JobSelection, from cursor: SelectionCursor
    ) throws -> OpenOperation.Progress {
        let left = operation.left(of: selection)
        let (step, jobs) = try select(
            selection, operation.states, for: change, from: cursor, limit: Int(min(Int64(Self.rowsPerStep), left)))
        var progress = OpenOperation.Progress(skipped: operation.skipped, cursor: step.next)
        for job in jobs {
            if case .delete = change {
                try setAside(job, by: operation.id)
                progress.changed += 1
                continue
            }
            switch try apply(change, to: job) {
            case .changed: progress.changed += 1
            case .unchanged: break
            case .keyTaken: progress.skipped += 1
            }
        }
        progress.endPass(of: operation, change, selection, start: step.start)
        return progress
    }

    private func restore(_ operation: OpenOperation, _ deleted: Int64) throws -> OpenOperation.Progress {
        let last = operation.lastRestored
        let (restored, skipped, next) = try bringBack(of: deleted, after: last, limit: Self.rowsPerStep)
        try statement("UPDATE stint_operations SET restored = restored + ?2 WHERE id = ?1")
            .execute(deleted, Int64(restored))
        return OpenOperation.Progress(
            changed: restored, skipped: operation.skipped + Int64(skipped),
            cursor: next.map(OpenOperation.place(afterRestored:)))
    }

    private func write(_ progress: OpenOperation.Progress, of operation: OpenOperation, by driver: OperationDriver)
        throws
    {
        let changed = operation.changed + Int64(progress.changed)
        let update = try statement(
            """
            UPDATE stint_operations SET changed = ?2, skipped = ?3, cursor = ?4, pass = ?5, pass_from = ?6, driver = ?7,
                                        stepped_at = ?8
            WHERE id = ?1
            """)
        update.bind(1, operation.id)
        update.bind(2, changed)
        update.bind(3, progress.skipped)
        update.bind(4, progress.cursor?.description ?? operation.storedCursor)
        update.bind(5, operation.pass + (progress.beginsPass ? 1 : 0))
        update.bind(6, progress.beginsPass ? changed : operation.passFrom)
        update.bind(7, driver.token)
        update.bind(8, now.wall)
        try update.execute()
        if progress.failure != nil || progress.cursor == nil {
            try end(
                OperationID(rawValue: operation.id), as: progress.failure == nil ? .done : .failed, progress.failure)
        }
    }

    /// Ends an operation: from now on what it has deleted can be brought back, or what is left of it is purged.
    private func end(_ id: OperationID, as state: BulkOperation.State, _ failure: String?) throws {
        let update = try statement(
            """
            UPDATE stint_operations SET state = ?2, ended_at = ?3, failure = ?4,
                   restorable_until = CASE WHEN verb = 'delete' AND changed > 0 THEN ?3 + ?5 END
            WHERE id = ?1
            """)
        update.bind(1, id.rawValue)
        update.bind(2, state.rawValue)
        update.bind(3, now.wall)
        update.bind(4, failure)
        update.bind(5, BulkOperation.restoreTime.milliseconds)
        try update.execute()
        // What a restore has left can be brought back until the time is over, or is purged.
        let reopen = try statement(
            """
            UPDATE stint_operations SET restorable_until = CASE
                WHEN EXISTS (SELECT 1 FROM stint_deleted WHERE operation_id = stint_operations.id)
                THEN max(?2, ended_at + ?3) END
            WHERE id = (SELECT restores FROM stint_operations WHERE id = ?1)
            """)
        try reopen.execute(id.rawValue, now.wall, BulkOperation.restoreTime.milliseconds)
    }

    /// After an error that will not go away.
    func fail(_ driver: OperationDriver, _ error: StintError) throws -> OperationStep {
        guard case .mine(let operation) = try turn(of: driver) else { return .elsewhere }
        let id = OperationID(rawValue: operation.id)
        try end(id, as: .failed, error.description)
        return try self.operation(id).map { .made($0, changed: 0) } ?? .idle
    }

    func control(_ id: OperationID, _ control: OperationControl) throws -> BulkOperation {
        guard let operation = try operation(id) else { throw StintError.noOperation(id) }
        let next = try control.next(of: operation)
        if next.isEnded {
            try end(id, as: next, nil)
        } else {
            let update = try statement("UPDATE stint_operations SET state = ?2 WHERE id = ?1")
            update.bind(1, id.rawValue)
            update.bind(2, next.rawValue)
            try update.execute()
        }
        return try self.operation(id) ?? operation
    }

    // MARK: - Reading

    private static let operationColumns = """
        id, change, restores, filter, actor, begun_at, ended_at, state, failure, total, changed, skipped, restorable_until,
        verb
        """

    private static func bulkOperation(_ row: Statement.Row) -> BulkOperation {
        BulkOperation(
            id: OperationID(rawValue: row.int(0)),
            action: BulkOperation.Action(
                stored: row.optionalText(1), restores: row.optionalInt(2), verb: row.text(13)),
            filter: row.text(3), actor: row.optionalText(4), begunAt: row.int(5), endedAt: row.optionalInt(6),
            state: BulkOperation.State(rawValue: row.text(7)) ?? .failed,
            failure: row.optionalText(8), total: row.optionalInt(9).map { Int(clamping: $0) },
            changed: Int(row.tally(10)), skipped: Int(row.tally(11)),
            restorableUntil: row.optionalInt(12))
    }

    func operation(_ id: OperationID) throws -> BulkOperation? {
        try statement("SELECT \(Self.operationColumns) FROM stint_operations WHERE id = ?1").first(
            id.rawValue, read: Self.bulkOperation)
    }

    func operations(limit: Int, before id: OperationID?) throws -> [BulkOperation] {
        guard limit >= 0 else { throw StintError.invalidInput("the limit is \(limit); it must be 0 or more") }
        return try statement(
            "SELECT \(Self.operationColumns) FROM stint_operations WHERE id < ?1 ORDER BY id DESC LIMIT ?2"
        )
        .rows(id?.rawValue ?? .max, Int64(limit), read: Self.bulkOperation)
    }
}

extension OpenOperation {
    /// Reads a row with the columns of ``JobTransaction/openColumns``.
    init(_ row: Statement.Row) {
        self.init(
            id: row.int(0), change: row.optionalText(1), restores: row.optionalInt(2), selection: row.optionalText(3),
            cursor: row.optionalText(4), pass: row.tally(5), passFrom: row.tally(6), changed: row.tally(7),
            skipped: row.tally(8), driver: row.optionalInt(9), steppedAt: row.optionalInt(10))
    }
}
