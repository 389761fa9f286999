import StintCore

/// Operations, whose steps are calls of the store.
extension InMemoryState {
    private static let purgesPerReap = 1_000

    struct KeptOperation: Sendable {
        var record: BulkOperation
        /// `nil` for a restore, and for a record of single jobs.
        var selection: JobSelection?
        var cursor: SelectionCursor?
        var pass = 1
        var passFrom = 0
        var driver: OperationDriver?
        var steppedAt: Timestamp?
        /// How many of its deleted jobs were brought back.
        var restored = 0

        var states: [JobState] {
            guard case .change(let change) = record.action, let selection else { return [] }
            return selection.possibleStates.filter(change.applies(to:))
        }
    }

    struct DeletedJob: Sendable {
        let job: Job
        let operation: OperationID
    }

    private mutating func insert(
        _ action: BulkOperation.Action, filter: String, actor: String?, total: Int?, _ now: StoreTime
    ) -> OperationID {
        lastOperation += 1
        let id = OperationID(rawValue: lastOperation)
        operations[id] = KeptOperation(
            record: BulkOperation(
                id: id, action: action, filter: filter.replacing("\0", with: "\u{FFFD}"),
                actor: actor?.replacing("\0", with: "\u{FFFD}"), begunAt: now.wall, total: total))
        pruneOperations(now)
        return id
    }

    private func requireRoomForOperation() throws {
        guard operations.values.count(where: { !$0.record.state.isEnded }) < BulkOperation.maximumOpen else {
            throw StintError.tooManyOperations
        }
    }

    mutating func change(_ ids: [JobID], _ change: JobChange, by actor: String?, _ now: StoreTime) throws {
        try self.change(ids, change, now)
        guard let actor, !ids.isEmpty else { return }
        let id = insert(
            .change(change), filter: NewOperation.filter(of: ids), actor: actor, total: ids.count, now)
        operations[id]!.record.changed = ids.count
        operations[id]!.record.state = .done
        operations[id]!.record.endedAtMilliseconds = now.wall
    }

    mutating func begin(_ new: NewOperation, _ now: StoreTime) throws -> BulkOperation {
        try requireRoomForOperation()
        let id = insert(.change(new.change), filter: new.filter, actor: new.actor, total: new.total, now)
        operations[id]!.selection = new.selection
        operations[id]!.cursor = newWalk(now)
        return operations[id]!.record
    }

    mutating func beginRestore(of id: OperationID, by actor: String?, _ now: StoreTime) throws -> BulkOperation {
        try requireRoomForOperation()
        guard let deleting = operations[id] else { throw StintError.noOperation(id) }
        guard let until = deleting.record.restorableUntilMilliseconds, until > now.wall else {
            throw StintError.notRestorable(deleting.record)
        }
        operations[id]!.record.restorableUntilMilliseconds = nil
        let restore = insert(
            .restore(id), filter: deleting.record.filter, actor: actor,
            total: max(0, deleting.record.changed - deleting.restored), now)
        return operations[restore]!.record
    }

    // MARK: - Steps

    mutating func step(by driver: OperationDriver, _ now: StoreTime) throws -> OperationStep {
        let running = operations.values.filter { $0.record.state == .running }.sorted {
            ($0.steppedAt ?? .min, $0.record.id) < ($1.steppedAt ?? .min, $1.record.id)
        }
        guard let operation = running.first else { return .idle }
        let takeOver = StoredTime.milliseconds(BulkOperation.takeOverTime)
        let isElsewhere = running.contains { other in
            guard let steppedAt = other.steppedAt, other.driver != driver else { return false }
            return now.wall - takeOver < steppedAt && steppedAt <= now.wall + takeOver
        }
        if isElsewhere { return .elsewhere }
        let id = operation.record.id
        operations[id]!.driver = driver
        operations[id]!.steppedAt = now.wall
        switch operation.record.action {
        case .change(let change): try self.change(operation, change, now)
        case .restore(let deleting): restore(operation, deleting, now)
        case .unknown: end(id, as: .failed, now)
        }
        let record = operations[id]!.record
        return .made(record, changed: record.changed - operation.record.changed)
    }

    private mutating func change(_ operation: KeptOperation, _ change: JobChange, _ now: StoreTime) throws {
        let id = operation.record.id
        guard let selection = operation.selection else { return end(id, as: .failed, now) }
        let left = selection.limit.map { max(0, $0 - operation.record.changed) } ?? .max
        let step = try select(
            selection, operation.states, for: change, from: operation.cursor, limit: min(Self.rowsPerStep, left), now)
        for job in step.jobs.compactMap({ jobs[$0] }) {
            if case .delete = change {
                setAside(job, by: id)
                operations[id]!.record.changed += 1
                continue
            }
            switch apply(change, to: job, now) {
            case .changed: operations[id]!.record.changed += 1
            case .unchanged: break
            case .keyTaken: operations[id]!.record.skipped += 1
            }
        }
        if operations[id]!.record.changed - operation.record.changed >= left { return end(id, as: .done, now) }
        if let next = step.next {
            operations[id]!.cursor = next
            return
        }
        // A job may have moved to a state that was already read, so the states are read again.
        let changed = operations[id]!.record.changed
        guard changed > operation.passFrom, !change.mayApplyAgain, operation.pass < BulkOperation.maximumPasses else {
            return end(id, as: .done, now)
        }
        operations[id]!.cursor = step.start
        operations[id]!.pass += 1
        operations[id]!.passFrom = changed
        operations[id]!.record.skipped = 0
    }

    private mutating func restore(_ operation: KeptOperation, _ deleting: OperationID, _ now: StoreTime) {
        let id = operation.record.id
        let last = operation.cursor?.place?.job ?? .min
        let next = deleted.values.filter { $0.operation == deleting && $0.job.id.rawValue > last }
            .sorted { $0.job.id < $1.job.id }.prefix(Self.rowsPerStep)
        for deleted in next {
            if bringBack(deleted, now) {
                operations[id]!.record.changed += 1
                operations[deleting]?.restored += 1
            } else {
                operations[id]!.record.skipped += 1
            }
        }
        if next.count < Self.rowsPerStep { return end(id, as: .done, now) }
        let place = JobCursor(state: .ready, queue: 0, order: 0, job: next.last!.job.id.rawValue)
        operations[id]!.cursor = SelectionCursor(place: place, newest: .max, lastBurial: .max, start: 0)
    }

    private mutating func end(_ id: OperationID, as state: BulkOperation.State, _ now: StoreTime) {
        operations[id]!.record.state = state
        operations[id]!.record.endedAtMilliseconds = now.wall
        let time = StoredTime.milliseconds(BulkOperation.restoreTime)
        switch operations[id]!.record.action {
        case .change(.delete) where operations[id]!.record.changed > 0:
            operations[id]!.record.restorableUntilMilliseconds = now.wall + time
        case .restore(let deleting):
            guard let ended = operations[deleting]?.record.endedAtMilliseconds,
                deleted.values.contains(where: { $0.operation == deleting })
            else { return }
            operations[deleting]!.record.restorableUntilMilliseconds = max(now.wall, ended + time)
        case .change, .unknown: return
        }
    }

    mutating func control(_ id: OperationID, _ control: OperationControl, _ now: StoreTime) throws -> BulkOperation {
        guard let operation = operations[id] else { throw StintError.noOperation(id) }
        let next = try control.next(of: operation.record)
        if next.isEnded { end(id, as: next, now) } else { operations[id]!.record.state = next }
        return operations[id]!.record
    }

    func operations(limit: Int, before id: OperationID?) throws -> [BulkOperation] {
        guard limit >= 0 else { throw StintError.invalidInput("the limit is \(limit); it must be 0 or more") }
        return operations.values.map(\.record).filter { operation in id.map { operation.id < $0 } ?? true }
            .sorted { $0.id > $1.id }.prefix(limit).map { $0 }
    }

    // MARK: - Deleted jobs

    private mutating func setAside(_ job: Job, by operation: OperationID) {
        takeFromHolder(job)
        var kept = job
        if case .leased = job.place { kept.wasClaimed = true }
        jobs[job.id] = nil
        deleted[job.id] = DeletedJob(job: kept, operation: operation)
    }

    /// - Returns: Whether it is back: `false` if its unique key was taken meanwhile.
    private mutating func bringBack(_ deleted: DeletedJob, _ now: StoreTime) -> Bool {
        let job = deleted.job
        if job.holdsKey, !job.place.state.isOver, let key = job.options.uniqueKey,
            let holder = holder(of: key, in: job.queue)
        {
            guard jobs[holder]!.place.state.isWaiting, jobs[holder]!.isExpired(now) else { return false }
            jobs[holder]!.holdsKey = false
        }
        self.deleted[job.id] = nil
        jobs[job.id] = job
        switch job.place {
        case .ready, .leased:
            wait(job.id, after: .zero, attempts: job.attempts, crashes: job.crashes, isSuspect: job.isSuspect, now)
        case .delayed: wakes = true
        case .buried: numberBurial(of: job.id)
        case .done, .cancelled, .expired: break
        }
        return true
    }

    /// Deletes jobs for good that cannot be brought back any more.
    mutating func purgeDeleted(_ now: StoreTime) -> Int {
        let over = operations.values.filter { operation in
            operation.record.restorableUntilMilliseconds.map { $0 <= now.wall } ?? false
        }.map(\.record.id)
        var purged = 0
        for id in over {
            let mine = deleted.values.filter { $0.operation == id }.map(\.job.id).sorted()
            for job in mine.prefix(Self.purgesPerReap - purged) {
                deleted[job] = nil
                forget(job)
                purged += 1
            }
            if purged >= Self.purgesPerReap { return purged }
            operations[id]!.record.restorableUntilMilliseconds = nil
        }
        return purged
    }

    mutating func pruneOperations(_ now: StoreTime) {
        let (time, number) = (
            now.wall - StoredTime.milliseconds(BulkOperation.keptFor),
            lastOperation - Int64(BulkOperation.maximumKept)
        )
        operations = operations.filter { id, operation in
            let record = operation.record
            let isOld = record.begunAtMilliseconds <= time || id.rawValue <= number
            return !isOld || !record.state.isEnded || record.restorableUntilMilliseconds != nil
        }
    }
}
