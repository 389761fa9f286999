import StintCore

/// What a person does with many jobs of a queue: a bounded number in each transaction, so that a claim never waits
/// long.
extension JobTransaction {
    /// The number of jobs that one step looks at.
    static let rowsPerStep = 1_000
    /// The payload bytes of one step, including the job that exceeds the limit: to free a payload, SQLite reads all of
    /// its pages.
    static let payloadBytesPerStep: Int64 = 33_554_432

    /// - Parameter states: The states to look for.
    /// - Returns: The step, and its jobs as they were found.
    func select(
        _ selection: JobSelection, _ states: Set<JobState>, from cursor: SelectionCursor?, limit: Int
    ) throws -> (step: SelectionStep, jobs: [Located]) {
        let order = JobState.allCases.filter(states.contains)
        let newest = try cursor?.newest ?? statement("SELECT max(id) FROM stint_jobs").first { $0.int(0) } ?? 0
        let start = SelectionCursor(state: order.first ?? .ready, newest: newest)
        var place: SelectionCursor? = order.isEmpty ? nil : cursor ?? start
        guard let queue = try id(of: selection.queue) else {
            return (SelectionStep(jobs: [], next: nil, start: start), [])
        }
        var (jobs, seen, bytes): ([Located], Int, Int64) = ([], 0, 0)
        walk: while let here = place {
            let page = try rows(of: selection, queue, from: here, limit: Self.rowsPerStep - seen)
            for row in page {
                seen += 1
                place = SelectionCursor(state: here.state, position: row.position, job: row.job.id, newest: newest)
                guard row.matches else { continue }
                jobs.append(row.job)
                bytes += row.payloadBytes
                if jobs.count >= limit || bytes >= Self.payloadBytesPerStep { break walk }
            }
            if seen >= Self.rowsPerStep { break }
            place = order.drop { $0 != here.state }.dropFirst().first.map { SelectionCursor(state: $0, newest: newest) }
        }
        return (SelectionStep(jobs: jobs.map { JobID(rawValue: $0.id) }, next: place, start: start), jobs)
    }

    func change(
        _ selection: JobSelection, _ change: JobChange, from cursor: SelectionCursor?, limit: Int
    ) throws -> SelectionStep {
        let states = selection.states.intersection(change.states)
        let (step, jobs) = try select(selection, states, from: cursor, limit: limit)
        let changed = try jobs.filter { try apply(change, to: $0) == .changed }
        return SelectionStep(jobs: changed.map { JobID(rawValue: $0.id) }, next: step.next, start: step.start)
    }

    private func id(of queue: QueueName) throws -> Int64? {
        let select = try statement(HotSQL.queueID)
        select.bind(1, queue.description)
        return try select.first { $0.int(0) }
    }

    // MARK: - A page of one state

    private struct SelectedRow {
        let position: Int64
        let job: Located
        let matches: Bool
        let payloadBytes: Int64
    }

    private func rows(
        of selection: JobSelection, _ queue: Int64, from cursor: SelectionCursor, limit: Int
    ) throws -> [SelectedRow] {
        let page = try statement(Self.page(of: cursor.state))
        page.bind(1, queue)
        page.bind(2, cursor.position)
        page.bind(3, cursor.job)
        page.bind(4, cursor.newest)
        page.bind(5, Int64(limit))
        page.bind(6, selection.enqueuedBefore?.timestamp)
        page.bind(7, selection.error)
        page.bind(8, selection.buriedSince?.timestamp)
        return try page.rows { row in
            SelectedRow(
                position: row.int(0),
                job: Located(
                    id: row.int(1),
                    place: JobPlace(
                        queue: queue, priority: row.int(2), group: row.optionalInt(8), expiresAt: row.optionalInt(9)),
                    state: cursor.state, attempts: row.tally(3), crashes: row.tally(4), suspect: false,
                    token: row.optionalInt(5)),
                matches: row.int(6) != 0, payloadBytes: row.tally(7))
        }
    }

    /// Reads by the index of each state's table. The query returns the conditions and does not filter by them, so that
    /// a page is bounded even if none of a million jobs meets them.
    static func page(of state: JobState) -> String {
        let (table, position, buriedAt, reason) =
            switch state {
            case .ready: ("stint_ready", "s.priority", "NULL", "NULL")
            case .delayed: ("stint_delayed", "s.run_at", "NULL", "NULL")
            case .leased: ("stint_leased", "0", "NULL", "NULL")
            case .buried: ("stint_buried", "0", "s.buried_at", "s.reason")
            case .done: ("stint_done", "s.done_at", "NULL", "NULL")
            case .cancelled: ("stint_cancelled", "s.cancelled_at", "NULL", "s.reason")
            case .expired: ("stint_expired", "s.expired_at", "NULL", "s.reason")
            }
        let isLeased = state == .leased
        let (source, queue) =
            isLeased
            ? ("stint_leased s JOIN stint_leases l ON l.token = s.token", "l.queue_id") : ("\(table) s", "s.queue_id")
        let (after, order) =
            position == "0"
            ? ("?2 <= 0 AND s.job_id > ?3", "s.job_id")
            : ("(\(position), s.job_id) > (?2, ?3)", "\(position), s.job_id")
        return """
            SELECT \(position), s.job_id, j.priority, s.attempts, s.crashes, \(isLeased ? "s.token" : "NULL"),
                   (?6 IS NULL OR j.enqueued_at < ?6)
                   AND (?7 IS NULL OR coalesce(instr(\(reason), ?7), 0) OR coalesce(instr(
                       (SELECT error FROM stint_failures WHERE job_id = s.job_id ORDER BY id DESC LIMIT 1), ?7), 0))
                   AND (?8 IS NULL OR coalesce(\(buriedAt) >= ?8, 0)),
                   coalesce((SELECT bytes FROM stint_digests WHERE job_id = j.id), length(j.payload)), s.group_id, \(state.isOver ? "NULL" : "s.expires_at")
            FROM \(source) JOIN stint_jobs j ON j.id = s.job_id
            WHERE \(queue) = ?1 AND \(after) AND s.job_id <= ?4 ORDER BY \(order) LIMIT ?5
            """
    }
}
