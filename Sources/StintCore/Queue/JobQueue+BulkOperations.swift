/// Changes of many jobs that go on whatever happens to the process that began them.
extension JobQueue {
    /// Begins an operation that changes all jobs of a selection; see ``BulkOperation`` for what it guarantees. No step
    /// is made yet: that do `stint reap`, a `Reaper`, or ``run(_:progress:)``.
    ///
    /// - Parameters:
    ///   - filter: The selection, for people; by default the text of its query.
    ///   - total: How many jobs a preview has counted.
    ///   - actor: Who does it, for the record.
    /// - Throws: ``StintError`` with the code `invalidInput`.
    public func begin(
        _ change: JobChange, on selection: JobSelection, filter: String? = nil, total: Int? = nil,
        by actor: String? = nil
    ) async throws -> BulkOperation {
        try await store.begin(NewOperation(change, selection, filter: filter, actor: actor, total: total))
    }

    /// The same for all jobs that match a query; the ages in it count from now.
    public func begin(
        _ change: JobChange, on query: JobQuery, total: Int? = nil, by actor: String? = nil
    ) async throws -> BulkOperation {
        try await begin(change, on: JobSelection(query), total: total, by: actor)
    }

    /// Begins to bring back what an operation has deleted; possible for ``BulkOperation/restoreTime`` after its end.
    /// Jobs come back with their ids in the states in which they were; a job that was leased is ready. Those whose
    /// unique key was taken meanwhile do not, and are counted as ``BulkOperation/skipped``.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` if there is nothing to bring back.
    public func restore(_ operation: OperationID, by actor: String? = nil) async throws -> BulkOperation {
        try await store.beginRestore(of: operation, by: actor)
    }

    /// Goes on with the running operations, one step after the other, until this one is not running any more or the
    /// task is cancelled. If another process does so already, it waits for that one.
    ///
    /// - Parameter progress: Called with the operation after each step and each look.
    /// - Returns: The operation as it is then.
    @discardableResult
    public func run(
        _ id: OperationID, progress: (BulkOperation) -> Void = { _ in }
    ) async throws -> BulkOperation {
        let driver = OperationDriver()
        while true {
            guard let operation = try await store.operation(id) else { throw StintError.noOperation(id) }
            progress(operation)
            guard operation.state == .running, !Task.isCancelled else { return operation }
            switch try await store.step(by: driver) {
            case .made, .idle: await Task.yield()
            case .elsewhere:
                do { try await Task.sleep(for: .milliseconds(100)) } catch { return operation }
            }
        }
    }

    /// One operation; `nil` if there is none of this id.
    public func operation(_ id: OperationID) async throws -> BulkOperation? { try await store.operation(id) }

    /// The latest operations, newest first: who changed what and when. They are kept for ``BulkOperation/keptFor``, and
    /// ``BulkOperation/maximumKept`` of them at most.
    ///
    /// - Parameter id: Only those that began before this one, for the next page.
    public func operations(limit: Int = 100, before id: OperationID? = nil) async throws -> [BulkOperation] {
        try await store.operations(limit: limit, before: id)
    }

    /// No step of the operation follows until it is resumed. A step that is being made ends first.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` if it has ended.
    @discardableResult
    public func pause(_ operation: OperationID) async throws -> BulkOperation {
        try await store.control(operation, .pause)
    }

    /// Ends the pause of an operation.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` if it has ended.
    @discardableResult
    public func resume(_ operation: OperationID) async throws -> BulkOperation {
        try await store.control(operation, .resume)
    }

    /// Ends an operation; what it has changed stays changed.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` if it has ended.
    @discardableResult
    public func cancel(_ operation: OperationID) async throws -> BulkOperation {
        try await store.control(operation, .cancel)
    }

    /// Changes jobs by id, all or none. If it is known who does so, a record of it stays in
    /// ``operations(limit:before:)``.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for the first job that cannot be changed so. No job is
    ///   changed then.
    public func change(_ ids: [JobID], _ change: JobChange, by actor: String? = nil) async throws {
        try await store.change(ids, change, by: actor)
    }

    /// Makes buried jobs ready after a time, with attempts and crashes reset to 0.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for the first id that is not buried. No job is kicked
    ///   then.
    public func kick(_ ids: [JobID], after delay: Duration) async throws {
        try await store.change(ids, .kickLater(after: delay), by: nil)
    }

    /// Moves ready, delayed and buried jobs to another queue, which is created if it does not exist. They keep their
    /// state, their times, their unique keys and the names of their groups.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for the first job that is leased or over, or whose unique
    ///   key is taken in that queue. No job is moved then.
    public func move(_ ids: [JobID], to queue: QueueName) async throws {
        try await store.change(ids, .move(to: queue), by: nil)
    }

    /// Changes the priority of ready, delayed and buried jobs.
    ///
    /// - Throws: ``StintError``: `notFound`, or `invalidInput` for the first job that is leased or over. No job is
    ///   changed then.
    public func setPriority(_ priority: UInt32, of ids: [JobID]) async throws {
        try await store.change(ids, .setPriority(to: priority), by: nil)
    }
}

extension JobStore {
    /// Goes on with the running operations until none is left, another driver is at it, or the task is cancelled.
    ///
    /// - Returns: How many jobs were changed.
    package func runOperations(by driver: OperationDriver = OperationDriver()) async throws -> Int {
        var total = 0
        while !Task.isCancelled, case .made(_, let changed) = try await step(by: driver) {
            total += changed
            await Task.yield()
        }
        return total
    }
}
