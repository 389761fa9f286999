import StintCore

/// Reads the jobs that match a query, a bounded number of rows and bytes in each transaction.
extension JobTransaction {
    /// How many rows one statement reads. Those that are not needed any more were read in vain.
    private static let rowsPerRead = 1_000
    private static let fewestPerRead = 100

    /// Visits the jobs of a plan that match, from a place on.
    ///
    /// - Parameters:
    ///   - wanted: How many jobs the visitor goes on for, at most.
    ///   - now: The time from which ages count.
    ///   - visit: Whether to go on.
    func walk(
        _ plan: QueryPlan, after place: JobCursor?, _ budget: inout QueryPlan.Budget, wanted: Int = .max,
        now: Timestamp, visit: (FoundJob) throws -> Bool
    ) async throws -> QueryPlan.End {
        var visited = 0
        for part in plan.parts(from: place) {
            let start = part.start(after: place, isReversed: plan.isReversed)
            // Also a part without jobs costs a look.
            budget.rows -= 1
            guard !budget.isSpent else { return .spent(start) }
            let end = try await walk(part, plan.isReversed, after: start, &budget, wanted - visited, now) { job in
                visited += 1
                return try visit(job)
            }
            if end != .end { return end }
        }
        return .end
    }

    private func walk(
        _ part: QueryPlan.Part, _ isReversed: Bool, after start: JobCursor, _ budget: inout QueryPlan.Budget,
        _ wanted: Int, _ now: Timestamp, visit: (FoundJob) throws -> Bool
    ) async throws -> QueryPlan.End {
        let sql = Self.jobs(part.state, part.scope, isReversed: isReversed, needs: part.needs)
        let checks = !part.residual.isEmpty
        var (place, left) = (start, wanted)
        while true {
            let limit = min(budget.rows, checks ? Self.rowsPerRead : max(Self.fewestPerRead, left), Self.rowsPerRead)
            let rows = try await run(
                sql, .int(place.queue), .int(place.order), .int(place.job), .int(Int64(limit)),
                .int(Int64(budget.bytes)))
            for row in rows {
                let events = try await eventsToSearch(of: row, part)
                let job = try FoundJob(row, part.state, part.scope, events: events)
                place = job.place
                budget.rows -= 1
                if checks { budget.bytes -= Int(clamping: try row.int(20)) }
                if try !checks || part.residual.matches(job, now: now) {
                    left -= 1
                    if try !visit(job) { return .enough(place) }
                }
                if budget.isSpent { return .spent(place) }
            }
            // Rows beyond the budget of bytes are left out too, but then it is spent.
            if rows.count < limit { return .end }
        }
    }

    /// A digest's payload is that of its first event.
    private func eventsToSearch(of row: PostgresRow, _ part: QueryPlan.Part) async throws -> [[UInt8]] {
        guard part.needs.contains(.payload), try row.optionalBool(15) == true else { return [] }
        return try await run(Self.events, .int(try row.int(1))).map { try $0.bytes(0) }
    }

    /// A row of ``jobs(_:_:isReversed:needs:)``.
    struct FoundJob: QueriedJob {
        private let row: PostgresRow
        let state: JobState
        let place: JobCursor
        let located: Located
        private let events: [[UInt8]]
        private let enqueued: Timestamp?

        init(_ row: PostgresRow, _ state: JobState, _ scope: QueryPlan.Scope, events: [[UInt8]]) throws {
            self.row = row
            self.state = state
            self.events = events
            let queue = try row.int(2)
            place = JobCursor(
                state: state, queue: scope == .all ? queue : scope.number, order: try row.int(0), job: try row.int(1))
            located = Located(
                id: try row.int(1),
                place: JobPlace(
                    queue: queue, priority: try row.int(3), group: try row.optionalInt(8),
                    expiresAt: try row.optionalInt(9)),
                state: state, attempts: try row.int(4), crashes: try row.int(5), suspect: try row.bool(7),
                token: try row.optionalInt(6))
            enqueued = try row.optionalInt(10)
        }

        var id: JobID { JobID(rawValue: located.id) }
        var queue: QueueName { get throws { QueueName(stored: try row.text(18)) } }
        var attempts: Int { Int(clamping: located.attempts) }
        var group: String? { get throws { try row.optionalText(19) } }
        var enqueuedAt: Timestamp { enqueued ?? 0 }
        var payloadBytes: Int64 { get throws { try row.optionalInt(16) ?? 0 } }
        var buriedAt: Timestamp? { get throws { try row.optionalInt(17) } }
        /// The number of its burial; 0 if it is not buried.
        var burial: Int64 { get throws { try row.int(23) } }

        var errorGroup: ErrorGroupID? {
            get throws {
                ErrorFingerprint.source(
                    reason: state == .buried ? try row.optionalText(12) : nil, latestError: try row.optionalText(13)
                ).map { ErrorFingerprint($0).id }
            }
        }

        func hasHeader(_ name: String, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
            row.withBytes(11) { text in StoredHeaders.value(of: name, in: text).map(condition) ?? false }
        }

        func hasError(where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
            !row.isNull(12) && row.withBytes(12, condition) || !row.isNull(13) && row.withBytes(13, condition)
        }

        func hasPayload(where condition: (UnsafeRawBufferPointer) -> Bool) throws -> Bool {
            row.withBytes(14, condition) || events.contains { $0.withUnsafeBytes(condition) }
        }
    }
}
