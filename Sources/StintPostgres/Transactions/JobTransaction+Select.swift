import StintCore

/// What a person does with many jobs: a bounded number in each transaction, so that others never wait long.
extension JobTransaction {
    /// The number of jobs that one step looks at.
    static let rowsPerStep = 1_000
    /// The payload bytes of the jobs of one step, including the job that exceeds the limit.
    static let payloadBytesPerStep: Int64 = 33_554_432

    /// - Parameter states: The states to look for.
    /// - Returns: The step, and its jobs as they were found.
    func select(
        _ selection: JobSelection, _ states: [JobState], from cursor: SelectionCursor?, limit: Int
    ) async throws -> (step: SelectionStep, jobs: [Located]) {
        var newest = cursor?.newest
        if newest == nil { newest = try await newestJob() }
        let start = SelectionCursor(newest: newest ?? 0, start: cursor?.start ?? now.wall)
        let plan = try await plan(selection.query, states: states, needs: .payloadSize)
        let (enqueuedBefore, buriedSince) = (selection.enqueuedBefore?.timestamp, selection.buriedSince?.timestamp)
        var (jobs, bytes): ([Located], Int64) = ([], 0)
        // Besides the jobs themselves, each part costs a row.
        var budget = QueryPlan.Budget(rows: Self.rowsPerStep + plan.parts.count, bytes: JobFilter.maximumBytesRead)
        let end = try await walk(
            plan, after: cursor?.place, &budget, wanted: min(limit, Self.rowsPerStep), now: start.start
        ) { job in
            guard job.id.rawValue <= start.newest else { return true }
            if let enqueuedBefore, job.enqueuedAt >= enqueuedBefore { return true }
            if let buriedSince, try job.buriedAt.map({ $0 >= buriedSince }) != true { return true }
            jobs.append(job.located)
            bytes += try job.payloadBytes
            return jobs.count < min(limit, Self.rowsPerStep) && bytes < Self.payloadBytesPerStep
        }
        let next = end.next.map { SelectionCursor(place: $0, newest: start.newest, start: start.start) }
        return (SelectionStep(jobs: jobs.map { JobID(rawValue: $0.id) }, next: next, start: start), jobs)
    }

    func newestJob() async throws -> Int64 {
        try await run("SELECT id FROM stint.jobs ORDER BY id DESC LIMIT 1").first?.int(0) ?? 0
    }

    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) async throws -> SelectionStep {
        let states = selection.possibleStates.filter(change.states.contains)
        let (step, jobs) = try await select(selection, states, from: cursor, limit: limit)
        let changed = try await apply(change, toFound: jobs).changed
        return SelectionStep(
            jobs: step.jobs.filter { changed.contains($0.rawValue) }, next: step.next, start: step.start)
    }
}
