import StintCore

extension JobTransaction {
    func count(_ query: JobQuery, after cursor: JobCursor?) async throws -> JobCount {
        if cursor == nil, let kept = try await keptCount(query) { return .exactly(kept) }
        let plan = try await plan(query, states: query.states)
        var (count, left, bytes, place) = (0, QueryPlan.jobsPerCount, JobFilter.maximumBytesRead, cursor)
        for part in plan.parts(from: cursor) {
            if cursor == nil, let kept = try await keptCount(part) {
                count += kept
                continue
            }
            let end: QueryPlan.End
            if part.residual.isEmpty, part.scope.isOfIndex {
                end = try await self.count(part, after: place, &left, &count)
            } else {
                var budget = QueryPlan.Budget(rows: left / QueryPlan.costOfLook, bytes: bytes)
                end = try await walk(QueryPlan(part), after: place, &budget, now: now.wall) { _ in
                    count += 1
                    return true
                }
                (left, bytes) = (budget.rows * QueryPlan.costOfLook, budget.bytes)
            }
            if let next = end.next { return .moreThan(count, next: next) }
            place = nil
        }
        return .exactly(count)
    }

    /// What each transaction keeps of a part: the jobs of one queue, or of all, in a state that is not over.
    private func keptCount(_ part: QueryPlan.Part) async throws -> Int? {
        guard part.residual.isEmpty, !part.state.isOver else { return nil }
        let condition: String
        switch part.scope {
        case .all: condition = "$1::bigint IS NOT NULL"
        case .queue: condition = "queue_id = $1::bigint"
        case .group, .errors, .job: return nil
        }
        let sum = try await run(
            "SELECT coalesce(sum(\(part.state.rawValue)), 0)::bigint FROM stint.tallies WHERE \(condition)",
            .int(part.scope.number))
        return Int(clamping: max(0, try sum.first?.int(0) ?? 0))
    }

    /// Counts the jobs of a part by its index alone.
    private func count(
        _ part: QueryPlan.Part, after place: JobCursor?, _ left: inout Int, _ count: inout Int
    ) async throws -> QueryPlan.End {
        let start = part.start(after: place, isReversed: false)
        left -= 1
        guard left > 0 else { return .spent(start) }
        let last = try await run(
            Self.count(part.state, part.scope), .int(start.queue), .int(start.order), .int(start.job),
            .int(Int64(left))
        ).first
        guard let last else { return .end }
        let counted = Int(clamping: try last.int(0))
        (count, left) = (count + counted, left - counted)
        guard left <= 0 else { return .end }
        return .spent(
            JobCursor(
                state: part.state, queue: part.scope == .all ? try last.int(3) : part.scope.number,
                order: try last.int(1), job: try last.int(2)))
    }

    /// The counts that each transaction keeps say it all if a query names only queues and states whose jobs are not
    /// over (of the others they count those that were deleted too), or buried jobs with like errors.
    private func keptCount(_ query: JobQuery) async throws -> Int? {
        switch query.keptCounts {
        case .queues:
            return try await stats().filter { query.includes($0.name) }.reduce(0) { sum, queue in
                query.states.reduce(sum) { $0 &+ queue.count(of: $1) }
            }
        case .errors(let groups): return try await buriedCount(groups, where: query.includes)
        case nil: return nil
        }
    }
}
