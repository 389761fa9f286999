/// Changes to many jobs of a queue, in steps of up to 1,000 jobs. Each step is a short transaction, so that no claim
/// waits long. Committed steps stay if a later one fails, or if the task is cancelled between two steps.
extension JobQueue {
    /// The number of jobs that met the conditions when they were read.
    public func count(_ selection: JobSelection) async throws -> Int {
        var (count, cursor) = (0, SelectionCursor?.none)
        repeat {
            let step = try await store.select(selection, from: cursor, limit: .max)
            count += step.jobs.count
            cursor = step.next
        } while cursor != nil && !Task.isCancelled
        return count
    }

    /// Makes buried jobs ready again, the first buried first, with attempts and crashes reset to 0. Each is kicked at most once,
    /// even if it is buried again meanwhile.
    ///
    /// - Parameter limit: The most jobs to kick; `nil` for all.
    /// - Returns: The number of changed jobs.
    @discardableResult
    public func kick(_ selection: JobSelection, limit: Int? = nil) async throws -> Int {
        try await change(selection, .kick, limit: limit)
    }

    /// Makes all buried jobs of a queue ready again, the first buried first, with attempts and crashes reset to 0.
    ///
    /// - Parameter limit: The most jobs to kick; `nil` for all.
    /// - Returns: The number of changed jobs.
    @discardableResult
    public func kick(_ queue: QueueName, limit: Int? = nil) async throws -> Int {
        try await kick(JobSelection(queue), limit: limit)
    }

    /// Buries ready, delayed and leased jobs; their holders lose their leases. Jobs enqueued after the call are not
    /// changed. A job that changes its state during the call is still found.
    ///
    /// - Returns: The number of changed jobs.
    @discardableResult
    public func bury(_ selection: JobSelection, reason: String) async throws -> Int {
        try await change(selection, .bury(reason: reason))
    }

    /// Cancels jobs that are not over, as `cancel(_:reason:)` does with single ones. As with `bury`, jobs enqueued after
    /// the call are not changed, and a job that changes its state during the call is still found.
    ///
    /// - Returns: The number of changed jobs.
    @discardableResult
    public func cancel(_ selection: JobSelection, reason: String = "cancelled by the application") async throws -> Int {
        try await change(selection, .cancel(reason: reason))
    }

    /// Deletes jobs permanently; their holders lose their leases. As with `bury`, jobs enqueued after the
    /// call are not changed, and a job that changes its state during the call is still found.
    ///
    /// - Returns: The number of changed jobs.
    @discardableResult
    public func delete(_ selection: JobSelection) async throws -> Int {
        try await change(selection, .delete)
    }

    /// - Parameter progress: Called with the number so far, after each step.
    package func change(
        _ selection: JobSelection, _ change: JobChange, limit: Int? = nil, progress: (Int) -> Void = { _ in }
    ) async throws -> Int {
        var (count, before, cursor) = (0, 0, SelectionCursor?.none)
        while count < limit ?? .max && !Task.isCancelled {
            let step = try await store.change(
                selection, change, from: cursor, limit: (limit ?? .max) - count)
            count += step.jobs.count
            progress(count)
            cursor = step.next
            guard cursor == nil else { continue }
            // A job may have moved to a state that was already read, so read again. Buried, cancelled or deleted jobs
            // do not come back by themselves, so this ends; a kicked job may be buried again and again.
            if change.mayApplyAgain { break }
            guard count > before else { break }
            (before, cursor) = (count, step.start)
        }
        return count
    }
}
