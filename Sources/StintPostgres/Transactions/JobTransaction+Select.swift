import StintCore

/// What a person does with many jobs: a bounded number in each transaction, so that others never wait long.
extension JobTransaction {
    /// The number of jobs that one step looks at.
    static let rowsPerStep = 1_000
    /// The payload bytes of the jobs of one step, including the job that exceeds the limit.
    static let payloadBytesPerStep: Int64 = 33_554_432

    /// - Parameters:
    ///   - states: The states to look for.
    ///   - change: What is done with them, if anything; see ``SelectionCursor/lastBurial(for:)``.
    /// - Returns: The step, and its jobs as they were found.
    func select(
        _ selection: JobSelection, _ states: [JobState], for change: JobChange? = nil, from cursor: SelectionCursor?,
        limit: Int
    ) async throws -> (step: SelectionStep, jobs: [Located]) {
        let start = if let cursor { cursor.at(nil) } else { try await newWalk() }
        let lastBurial = start.lastBurial(for: change)
        let plan = try await plan(selection.query, states: states, needs: .payloadSize)
        let (enqueuedBefore, buriedSince) = (selection.enqueuedBefore?.timestamp, selection.buriedSince?.timestamp)
        var (jobs, bytes): ([Located], Int64) = ([], 0)
        // Besides the jobs themselves, each part costs a row.
        var budget = QueryPlan.Budget(rows: Self.rowsPerStep + plan.parts.count, bytes: JobFilter.maximumBytesRead)
        let end = try await walk(
            plan, after: cursor?.place, &budget, wanted: min(limit, Self.rowsPerStep), now: start.start
        ) { job in
            guard job.id.rawValue <= start.newest, try job.burial <= lastBurial else { return true }
            if let enqueuedBefore, job.enqueuedAt >= enqueuedBefore { return true }
            if let buriedSince, try job.buriedAt.map({ $0 >= buriedSince }) != true { return true }
            jobs.append(job.located)
            bytes += try job.payloadBytes
            return jobs.count < min(limit, Self.rowsPerStep) && bytes < Self.payloadBytesPerStep
        }
        let next = end.next.map { start.at($0) }
        return (SelectionStep(jobs: jobs.map { JobID(rawValue: $0.id) }, next: next, start: start), jobs)
    }

    /// A walk that begins before all jobs.
    func newWalk() async throws -> SelectionCursor {
        let row = try await run(
            """
            SELECT (SELECT id FROM stint.jobs ORDER BY id DESC LIMIT 1),
                   pg_sequence_last_value('stint.buried_burial_seq'::regclass)
            """)[0]
        return SelectionCursor(
            newest: try row.optionalInt(0) ?? 0, lastBurial: try row.optionalInt(1) ?? 0, start: now.wall)
    }

    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        let states = selection.possibleStates.filter(change.states.contains)
        let (step, jobs) = try await select(selection, states, for: change, from: cursor, limit: limit)
        let changed = try await apply(change, toFound: jobs).changed
        return SelectionStep(
            jobs: step.jobs.filter { changed.contains($0.rawValue) }, next: step.next, start: step.start)
    }
}
