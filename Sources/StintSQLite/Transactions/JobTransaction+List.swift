import StintCore

/// Lists of jobs. An index leads each page to the place where the previous one ended.
extension JobTransaction {
    func page(_ filter: JobFilter, after cursor: JobCursor?) throws -> JobPage {
        let limit = min(filter.limit, JobFilter.maximumLimit)
        guard limit > 0 else { return JobPage() }
        let plan = try plan(filter.query, states: filter.query.states, isReversed: filter.isReversed)
        var (found, budget): ([FoundPlace], QueryPlan.Budget) = ([], .page)
        let end = try walk(plan, after: cursor, &budget, now: now.wall) { job in
            found.append(FoundPlace(job))
            return found.count < limit
        }
        var (page, bytes) = (JobPage(next: end.next, isCut: false), 0)
        for job in found {
            guard bytes < JobFilter.maximumBytes else { return page }
            guard let record = try record(job, &bytes) else { continue }
            page.jobs.append(record)
            page.next = job.place
        }
        page.next = end.next
        if case .spent = end { page.isCut = true }
        return page
    }

    /// Where a job was found.
    private struct FoundPlace {
        let place: JobCursor
        let queue: Int64
        let priority: Int64

        init(_ job: FoundJob) {
            (place, queue, priority) = (job.place, job.queueID, job.priority)
        }
    }

    private func record(_ job: FoundPlace, _ bytes: inout Int) throws -> JobRecord? {
        try statement(Self.record(in: job.place.state)).first(job.place.job, job.queue, job.priority) { row in
            bytes += [1, 9, 10, 13, 16, 20, 22].reduce(200) { $0 + row.byteCount($1) }
            return Self.record(row)
        }
    }

    /// One job of a state, with the columns of ``record``. ?1 is the job, ?2 its queue, ?3 its priority.
    static func record(in state: JobState) -> String {
        func column(_ name: String, of states: JobState...) -> String { states.contains(state) ? name : "NULL" }
        let isHere = state == .ready ? "s.queue_id = ?2 AND s.priority = ?3 AND s.job_id = ?1" : "s.job_id = ?1"
        let place = state == .ready ? "AND j.queue_id = s.queue_id AND j.priority = s.priority" : ""
        let lease = state == .leased ? "LEFT JOIN stint_leases l ON l.token = s.token" : ""
        // CROSS JOIN forces this order of the tables on the planner.
        return """
            SELECT j.id, q.name, '\(state.rawValue)', j.priority, s.attempts, j.max_attempts, s.crashes, j.max_crashes,
                   \(state.hasSuspects ? "s.suspect" : "0"), j.content_type, j.headers, coalesce(d.bytes, length(j.payload)),
                   j.time_to_run_ms, u.key, j.enqueued_at, \(column("s.run_at", of: .delayed)),
                   \(column("l.worker", of: .leased)), \(column("s.token", of: .leased)),
                   \(column("l.expires_at", of: .leased)), \(column("s.buried_at", of: .buried)),
                   \(column("s.reason", of: .buried, .cancelled, .expired)), \(column("s.done_at", of: .done)),
                   nullif(g.name, ''), \(state.isOver ? "NULL" : "s.expires_at"),
                   \(column("s.cancelled_at", of: .cancelled)), \(column("s.expired_at", of: .expired)), d.events
            FROM \(state.table) s \(lease)
            CROSS JOIN stint_jobs j ON j.id = s.job_id \(place)
            CROSS JOIN stint_queues q ON q.id = j.queue_id
            LEFT JOIN stint_unique_keys u ON u.job_id = j.id
            LEFT JOIN stint_groups g ON g.id = s.group_id
            LEFT JOIN stint_digests d ON d.job_id = j.id
            WHERE \(isHere)
            """
    }
}
