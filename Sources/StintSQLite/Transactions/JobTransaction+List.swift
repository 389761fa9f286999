import StintCore

/// Lists of jobs. A page is one query for each state, and an index leads it to the place where the previous page ended.
extension JobTransaction {
    func page(_ filter: JobFilter, after cursor: JobCursor?) throws -> JobPage {
        var queue: Int64?
        if let name = filter.queue {
            let select = try statement(HotSQL.queueID)
            select.bind(1, name.description)
            queue = try select.first { $0.int(0) }
            if queue == nil { return JobPage() }
        }
        let limit = min(filter.limit, JobFilter.maximumLimit)
        var page = JobPage()
        var bytes = 0
        for state in filter.state.map({ [$0] }) ?? Self.states(from: cursor?.state) {
            guard page.jobs.count < limit else { break }
            let isWhole = try add(
                jobsIn: state, queue, after: cursor?.state == state ? cursor : nil, upTo: limit, &bytes, to: &page)
            if !isWhole { return page }
        }
        if page.jobs.count < limit { page.next = nil }
        return page
    }

    private static func states(from first: JobState?) -> ArraySlice<JobState> {
        let all = JobState.allCases
        return all[(first.flatMap { all.firstIndex(of: $0) } ?? 0)...]
    }

    /// - Returns: `false` if the page has become too long.
    private func add(
        jobsIn state: JobState, _ queue: Int64?, after cursor: JobCursor?, upTo limit: Int, _ bytes: inout Int,
        to page: inout JobPage
    ) throws -> Bool {
        let select = try statement(Self.list(state, inQueue: queue != nil))
        let left = Int64(limit - page.jobs.count)
        // In one queue the others do not count.
        let (first, order, job) = (queue ?? cursor?.queue ?? .min, cursor?.order ?? .min, cursor?.job ?? .min)
        let found = try select.rows(first, order, job, left) { row -> (JobRecord, JobCursor)? in
            guard bytes < JobFilter.maximumBytes else { return nil }
            bytes += [1, 9, 10, 13, 16, 20, 22].reduce(200) { $0 + row.byteCount($1) }
            return (
                Self.record(row), JobCursor(state: state, queue: row.int(27), order: row.int(28), job: row.int(0))
            )
        }
        page.jobs += found.map(\.0)
        page.next = found.last?.1 ?? page.next
        return bytes < JobFilter.maximumBytes
    }

    /// The rows of a state behind a place in its order, with the columns of ``record`` and then the place. ?1 is the
    /// queue, ?2 the value by which the state is ordered, ?3 the job, ?4 the number of rows. Incomplete rows that
    /// another program has left are skipped.
    static func list(_ state: JobState, inQueue isOfQueue: Bool) -> String {
        let order = state.orderColumn.map { "s.\($0)" } ?? "0"
        func column(_ name: String, of states: JobState...) -> String { states.contains(state) ? name : "NULL" }
        let isOrdered = state.orderColumn != nil
        let key = isOrdered ? "\(order), s.job_id" : "s.job_id"
        let place = isOrdered ? "?2, ?3" : "?3"
        // The queue of a leased job is in its lease.
        let queue = state == .leased ? "l.queue_id" : "s.queue_id"
        let range =
            switch (isOfQueue, state) {
            case (true, _): "\(queue) = ?1 AND (\(key)) > (\(place))"
            case (false, .leased): "s.job_id > ?3"
            case (false, _): "(s.queue_id, \(key)) > (?1, \(place))"
            }
        let sorting = isOfQueue || state == .leased ? key : "s.queue_id, \(key)"
        let lease =
            isOfQueue
            ? "CROSS JOIN stint_leases l ON l.token = s.token" : "LEFT JOIN stint_leases l ON l.token = s.token"
        let astray = state == .ready ? "AND j.queue_id = s.queue_id AND j.priority = s.priority" : ""
        // CROSS JOIN forces this order of the tables on the planner.
        return """
            SELECT j.id, q.name, '\(state.rawValue)', j.priority, s.attempts, j.max_attempts, s.crashes, j.max_crashes,
                   \(state.hasSuspects ? "s.suspect" : "0"), j.content_type, j.headers, coalesce(d.bytes, length(j.payload)),
                   j.time_to_run_ms, u.key, j.enqueued_at, \(column("s.run_at", of: .delayed)),
                   \(column("l.worker", of: .leased)), \(column("s.token", of: .leased)),
                   \(column("l.expires_at", of: .leased)), \(column("s.buried_at", of: .buried)),
                   \(column("s.reason", of: .buried, .cancelled, .expired)), \(column("s.done_at", of: .done)),
                   nullif(g.name, ''), \(state.isOver ? "NULL" : "s.expires_at"),
                   \(column("s.cancelled_at", of: .cancelled)), \(column("s.expired_at", of: .expired)), d.events,
                   \(state == .leased ? "j.queue_id" : "s.queue_id"), \(order)
            FROM \(state.table) s \(state == .leased ? lease : "")
            CROSS JOIN stint_jobs j ON j.id = s.job_id \(astray)
            CROSS JOIN stint_queues q ON q.id = j.queue_id
            LEFT JOIN stint_unique_keys u ON u.job_id = j.id
            LEFT JOIN stint_groups g ON g.id = s.group_id
            LEFT JOIN stint_digests d ON d.job_id = j.id
            WHERE \(range)
            ORDER BY \(sorting) LIMIT ?4
            """
    }
}
