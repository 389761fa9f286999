import StintCore

extension JobTransaction {
    /// How many matching jobs one call counts where an index alone finds them, and where each is looked at.
    static let countedRows = (byIndex: 500_000, byLook: 2 * JobFilter.maximumRowsRead)

    func count(_ query: JobQuery, after cursor: JobCursor?) throws -> JobCount {
        if cursor == nil, let kept = try keptCount(query) { return .exactly(kept) }
        var (count, budget) = (0, ReadBudget(rows: Self.countedRows.byLook, bytes: JobFilter.maximumBytesRead))
        let end = try walk(try plan(query, states: query.states), after: cursor, &budget, now: now.wall) { _ in
            count += 1
            return true
        }
        return end.next.map { .moreThan(count, next: $0) } ?? .exactly(count)
    }

    /// The counts that each transaction keeps say it all if a query names only queues and states whose jobs are not over:
    /// of the others they count those that were deleted too.
    private func keptCount(_ query: JobQuery) throws -> Int? {
        let isKept = query.terms.allSatisfy { term in
            switch term.condition {
            case .queue, .state: true
            case .group, .header, .error, .errorGroup, .age, .attempts, .id, .text: false
            }
        }
        guard isKept, query.states.allSatisfy({ !$0.isOver }) else { return nil }
        return try stats().filter { query.includes($0.name) }.reduce(0) { sum, queue in
            query.states.reduce(sum) { $0 &+ queue.count(of: $1) }
        }
    }
}
