import StintCore

extension JobTransaction {
    func count(_ query: JobQuery, after cursor: JobCursor?) throws -> JobCount {
        if cursor == nil, let kept = try keptCount(query) { return .exactly(kept) }
        let searched = try plan(query, states: query.states)
        var (count, left, bytes, place) = (0, QueryPlan.jobsPerCount, JobFilter.maximumBytesRead, cursor)
        for part in searched.plan.parts(from: cursor) {
            if cursor == nil, let kept = try keptCount(part) {
                count += kept
                continue
            }
            let single = SearchedPlan(plan: QueryPlan(part), search: searched.search)
            let end: QueryPlan.End
            if part.residual.isEmpty, part.scope.isOfIndex {
                end = try self.count(part, after: place, &left, &count)
            } else {
                var budget = QueryPlan.Budget(rows: left / QueryPlan.costOfLook, bytes: bytes)
                end = try walk(single, after: place, &budget, now: now.wall) { _ in
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
    private func keptCount(_ part: QueryPlan.Part) throws -> Int? {
        guard part.residual.isEmpty, !part.state.isOver else { return nil }
        let condition: String
        switch part.scope {
        case .all: condition = "?1 IS NOT NULL"
        case .queue: condition = "id = ?1"
        case .group, .errors, .job: return nil
        }
        // Another program can write absurd numbers.
        return try statement(
            "SELECT coalesce(sum(max(0, min(\(part.state.rawValue), 1000000000000))), 0) FROM stint_queues WHERE \(condition)"
        ).first(part.scope.number) { Int($0.int(0)) }
    }

    /// Counts the jobs of a part by its index alone.
    private func count(
        _ part: QueryPlan.Part, after place: JobCursor?, _ left: inout Int, _ count: inout Int
    ) throws -> QueryPlan.End {
        let start = part.start(after: place, isReversed: false)
        left -= 1
        guard left > 0 else { return .spent(start) }
        var end = QueryPlan.End.end
        _ = try statement(Self.places(part.state, part.scope))
            .rows(start.queue, start.order, start.job, Int64(left)) { row -> Void? in
                (count, left) = (count + 1, left - 1)
                guard left <= 0 else { return () }
                end = .spent(
                    JobCursor(
                        state: part.state, queue: part.scope == .all ? row.int(2) : part.scope.number,
                        order: row.int(0),
                        job: row.int(1)))
                return nil
            }
        return end
    }

    /// The counts that each transaction keeps say it all if a query names only queues and states whose jobs are not
    /// over (of the others they count those that were deleted too), or buried jobs with like errors.
    private func keptCount(_ query: JobQuery) throws -> Int? {
        switch query.keptCounts {
        case .queues:
            try stats().filter { query.includes($0.name) }.reduce(0) { sum, queue in
                query.states.reduce(sum) { $0 &+ queue.count(of: $1) }
            }
        case .errors(let groups): try buriedCount(groups, where: query.includes)
        case nil: nil
        }
    }
}
