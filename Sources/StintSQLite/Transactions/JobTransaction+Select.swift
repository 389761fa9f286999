import StintCore

/// What a person does with many jobs: a bounded number in each transaction, so that a claim never waits long.
extension JobTransaction {
    /// The number of jobs that one step looks at.
    static let rowsPerStep = 1_000
    /// The payload bytes of the jobs of one step, including the job that exceeds the limit: to free a payload, SQLite
    /// reads all of its pages.
    static let payloadBytesPerStep: Int64 = 33_554_432

    /// - Parameters:
    ///   - states: The states to look for.
    ///   - change: What is done with them, if anything; see ``SelectionCursor/lastBurial(for:)``.
    /// - Returns: The step, and its jobs as they were found.
    func select(
        _ selection: JobSelection, _ states: [JobState], for change: JobChange? = nil, from cursor: SelectionCursor?,
        limit: Int
    ) throws -> (step: SelectionStep, jobs: [Located]) {
        let start = try cursor?.at(nil) ?? newWalk()
        let lastBurial = start.lastBurial(for: change)
        let plan = try plan(selection.query, states: states, needs: .payloadSize)
        let (enqueuedBefore, buriedSince) = (selection.enqueuedBefore?.timestamp, selection.buriedSince?.timestamp)
        var (jobs, bytes): ([Located], Int64) = ([], 0)
        // Besides the jobs themselves, each part costs a row.
        var budget = QueryPlan.Budget(rows: Self.rowsPerStep + plan.plan.parts.count, bytes: JobFilter.maximumBytesRead)
        let end = try walk(plan, after: cursor?.place, &budget, now: start.start) { job in
            guard job.id.rawValue <= start.newest, job.burial <= lastBurial else { return true }
            if let enqueuedBefore, job.enqueuedAt >= enqueuedBefore { return true }
            if let buriedSince, job.buriedAt.map({ $0 >= buriedSince }) != true { return true }
            jobs.append(job.located)
            bytes += job.payloadBytes
            return jobs.count < min(limit, Self.rowsPerStep) && bytes < Self.payloadBytesPerStep
        }
        let next = end.next.map { start.at($0) }
        return (SelectionStep(jobs: jobs.map { JobID(rawValue: $0.id) }, next: next, start: start), jobs)
    }

    /// A walk that begins before all jobs.
    func newWalk() throws -> SelectionCursor {
        SelectionCursor(
            newest: try statement("SELECT max(id) FROM stint_jobs").first { $0.int(0) } ?? 0,
            lastBurial: try lastBurial(), start: now.wall)
    }

    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) throws -> SelectionStep {
        let states = selection.possibleStates.filter(change.states.contains)
        let (step, jobs) = try select(selection, states, for: change, from: cursor, limit: limit)
        let changed = try jobs.filter { try apply(change, to: $0) == .changed }
        return SelectionStep(jobs: changed.map { JobID(rawValue: $0.id) }, next: step.next, start: step.start)
    }
}
