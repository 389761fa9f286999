import StintCore

/// Reads the jobs that match a query, a bounded number of rows and bytes in each transaction.
extension JobTransaction {
    /// Visits the jobs of a plan that match, from a place on.
    ///
    /// - Parameters:
    ///   - now: The time from which ages count.
    ///   - visit: Whether to go on.
    func walk(
        _ searched: SearchedPlan, after place: JobCursor?, _ budget: inout QueryPlan.Budget, now: Timestamp,
        visit: (FoundJob) throws -> Bool
    ) throws -> QueryPlan.End {
        let (names, plan) = (NameCache(self), searched.plan)
        for part in plan.parts(from: place) {
            let start = part.start(after: place, isReversed: plan.isReversed)
            // Also a part without jobs costs a look.
            budget.rows -= 1
            guard !budget.isSpent else { return .spent(start) }
            let end =
                if let search = searched.search, part.scope.isOfIndex {
                    try walk(part, plan.isReversed, search, after: start, &budget, now, names, visit: visit)
                } else {
                    try walk(part, plan.isReversed, after: start, &budget, now, names, visit: visit)
                }
            if end != .end { return end }
        }
        return .end
    }

    private func walk(
        _ part: QueryPlan.Part, _ isReversed: Bool, after start: JobCursor, _ budget: inout QueryPlan.Budget,
        _ now: Timestamp, _ names: NameCache, visit: (FoundJob) throws -> Bool
    ) throws -> QueryPlan.End {
        let select = try statement(
            Self.jobs(part.state, part.scope, isReversed: isReversed, needs: part.needs))
        var end = QueryPlan.End.end
        let checks = !part.residual.isEmpty
        _ = try select.rows(start.queue, start.order, start.job, Int64(budget.rows)) { row -> Void? in
            let job = FoundJob(row: row, state: part.state, scope: part.scope, names: names)
            budget.rows -= 1
            if checks { budget.bytes -= job.bytesRead }
            if try !checks || part.residual.matches(job, now: now), try !visit(job) {
                end = .enough(job.place)
                return nil
            }
            if budget.isSpent {
                end = .spent(job.place)
                return nil
            }
            return ()
        }
        return end
    }

    /// The same with an answer of the full-text index: only the jobs that may match are looked at.
    private func walk(
        _ part: QueryPlan.Part, _ isReversed: Bool, _ search: SearchAnswer, after start: JobCursor,
        _ budget: inout QueryPlan.Budget, _ now: Timestamp, _ names: NameCache, visit: (FoundJob) throws -> Bool
    ) throws -> QueryPlan.End {
        let one = try statement(
            Self.jobs(part.state, part.scope, isReversed: isReversed, needs: part.needs, isOne: true))
        func look(at id: Int64, _ budget: inout QueryPlan.Budget) throws -> QueryPlan.End {
            one.bind(5, id)
            let end = try one.first(start.queue, start.order, start.job, 1) { row -> QueryPlan.End in
                let job = FoundJob(row: row, state: part.state, scope: part.scope, names: names)
                budget.rows -= 1
                budget.bytes -= job.bytesRead
                if try part.residual.matches(job, now: now), try !visit(job) { return .enough(job.place) }
                return budget.isSpent ? .spent(job.place) : .end
            }
            return end ?? .end
        }
        if let few = search.few {
            budget.rows -= few.count / Self.excludedPerRow
            for id in try places(of: few, part, isReversed, after: start) {
                let end = try look(at: id, &budget)
                if end != .end { return end }
            }
            return .end
        }
        let select = try statement(Self.jobs(part.state, part.scope, isReversed: isReversed, needs: []))
        var (end, excluded) = (QueryPlan.End.end, 0)
        _ = try select.rows(start.queue, start.order, start.job, Int64(budget.rows * Self.excludedPerRow)) {
            row -> Void? in
            let job = FoundJob(row: row, state: part.state, scope: part.scope, names: names)
            if search.mayMatch(job.id.rawValue) {
                end = try look(at: job.id.rawValue, &budget)
            } else {
                excluded += 1
                if excluded % Self.excludedPerRow == 0 { budget.rows -= 1 }
                if budget.isSpent { end = .spent(job.place) }
            }
            return end == .end ? () : nil
        }
        return end
    }

    /// Those of a list of jobs that are in a part, in its order.
    private func places(
        of jobs: [Int64], _ part: QueryPlan.Part, _ isReversed: Bool, after start: JobCursor
    ) throws -> [Int64] {
        let select = try statement(Self.places(ofListed: part.state, part.scope, isReversed: isReversed))
        select.bind(5, "[\(jobs.map(String.init).joined(separator: ","))]")
        select.bind(1, start.queue)
        select.bind(2, start.order)
        select.bind(3, start.job)
        return try select.rows { (order: $0.int(0), job: $0.int(1)) }
            .sorted { isReversed ? ($1.order, $1.job) < ($0.order, $0.job) : ($0.order, $0.job) < ($1.order, $1.job) }
            .map(\.job)
    }

    /// The names that conditions look at, each read once.
    final class NameCache {
        private let transaction: JobTransaction
        private var queues: [Int64: QueueName] = [:]
        private var groups: [Int64: String?] = [:]

        init(_ transaction: JobTransaction) {
            self.transaction = transaction
        }

        func queue(_ id: Int64) throws -> QueueName {
            if let known = queues[id] { return known }
            let name = try transaction.statement("SELECT name FROM stint_queues WHERE id = ?1").first(id) { $0.text(0) }
            let queue = QueueName(stored: name ?? "")
            queues[id] = queue
            return queue
        }

        func group(_ id: Int64) throws -> String? {
            if let known = groups[id] { return known }
            let name =
                try transaction.statement("SELECT nullif(name, '') FROM stint_groups WHERE id = ?1")
                .first(id) { $0.optionalText(0) } ?? nil
            groups[id] = .some(name)
            return name
        }

        func events(of job: Int64) throws -> [[UInt8]] {
            try transaction.statement(HotSQL.events).rows(job) { $0.bytes(0) }
        }
    }

    /// A row of ``jobs(_:_:isReversed:needs:)``. Valid only within the visit.
    struct FoundJob: QueriedJob {
        fileprivate let row: Statement.Row
        let state: JobState
        fileprivate let scope: QueryPlan.Scope
        fileprivate let names: NameCache

        var id: JobID { JobID(rawValue: row.int(1)) }
        var queueID: Int64 { row.int(2) }
        var queue: QueueName { get throws { try names.queue(queueID) } }
        var priority: Int64 { row.int(3) }
        var attempts: Int { Int(row.tally(4)) }
        var group: String? { get throws { try row.optionalInt(8).flatMap(names.group) } }
        var enqueuedAt: Timestamp { row.int(10) }
        var payloadBytes: Int64 { row.tally(16) }
        var buriedAt: Timestamp? { row.optionalInt(17) }
        /// The number of its burial; 0 if it is not buried.
        var burial: Int64 { row.int(18) }

        var place: JobCursor {
            JobCursor(
                state: state, queue: scope == .all ? queueID : scope.number, order: row.int(0), job: row.int(1))
        }

        var located: Located {
            Located(
                id: row.int(1),
                place: JobPlace(
                    queue: queueID, priority: priority, group: row.optionalInt(8), expiresAt: row.optionalInt(9)),
                state: state, attempts: row.tally(4), crashes: row.tally(5), suspect: row.int(7) != 0,
                token: row.optionalInt(6))
        }

        /// What was read besides the few numbers of each row.
        fileprivate var bytesRead: Int { row.byteCount(11) + row.byteCount(12) + row.byteCount(13) + row.byteCount(14) }

        var errorGroup: ErrorGroupID? {
            ErrorFingerprint.source(
                reason: state == .buried ? row.optionalText(12) : nil, latestError: row.optionalText(13)
            ).map { ErrorFingerprint($0).id }
        }

        func hasHeader(_ name: String, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
            row.withText(11) { text in StoredHeaders.value(of: name, in: text).map(condition) ?? false }
        }

        func hasError(where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
            !row.isNull(12) && row.withText(12, condition) || !row.isNull(13) && row.withText(13, condition)
        }

        func hasPayload(where condition: (UnsafeRawBufferPointer) -> Bool) throws -> Bool {
            if row.withBlob(14, condition) { return true }
            guard row.int(15) != 0 else { return false }
            return try names.events(of: row.int(1)).contains { $0.withUnsafeBytes(condition) }
        }
    }
}
