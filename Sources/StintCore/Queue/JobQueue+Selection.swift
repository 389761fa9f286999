/// What a person does with many jobs of a queue: in steps of up to 1,000 jobs, each a short transaction, so that no claim
/// waits long. What was done stays done when a later step fails, or when the task is cancelled between two steps.
extension JobQueue {
    /// How many jobs met the conditions when they were looked at.
    public func count(_ selection: JobSelection) async throws -> Int {
        var (count, cursor) = (0, SelectionCursor?.none)
        repeat {
            let step = try await store.select(selection, from: cursor, limit: .max)
            count += step.jobs.count
            cursor = step.next
        } while cursor != nil && !Task.isCancelled
        return count
    }

    /// Brings buried jobs back with their attempts and crashes at 0, oldest first: each at most once, also where some are
    /// buried again meanwhile.
    ///
    /// - Parameter limit: At most so many; `nil` for all.
    /// - Returns: How many.
    @discardableResult
    public func kick(_ selection: JobSelection, limit: Int? = nil) async throws -> Int {
        try await change(selection, .kick, limit: limit)
    }

    /// Brings all buried jobs of a queue back with their attempts and crashes at 0, oldest first.
    ///
    /// - Parameter limit: At most so many; `nil` for all.
    /// - Returns: How many.
    @discardableResult
    public func kick(_ queue: QueueName, limit: Int? = nil) async throws -> Int {
        try await kick(JobSelection(queue), limit: limit)
    }

    /// Sets jobs that are ready, delayed or leased aside; a holder loses its lease. A job that was enqueued after the call
    /// is left alone; one that changes its state during the call is found all the same.
    ///
    /// - Returns: How many.
    @discardableResult
    public func bury(_ selection: JobSelection, reason: String) async throws -> Int {
        try await change(selection, .bury(reason: reason))
    }

    /// Removes jobs for good; a holder loses its lease. As with ``bury(_:reason:)``, a job that was enqueued after the call
    /// is left alone, and one that changes its state during the call is found all the same.
    ///
    /// - Returns: How many.
    @discardableResult
    public func delete(_ selection: JobSelection) async throws -> Int {
        try await change(selection, .delete)
    }

    /// - Parameter progress: Gets the number so far, after each step.
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
            // A job may have gone from a state that was still to come to one that was looked at already. What is buried or
            // deleted does not come back by itself, so this ends; a kicked job may be buried again and again.
            if case .kick = change { break }
            guard count > before else { break }
            (before, cursor) = (count, step.start)
        }
        return count
    }
}
