import StintCore

/// Lists of jobs. An index leads each page to the place where the previous one ended.
extension JobTransaction {
    /// How many records one statement reads: they may be large.
    private static let recordsPerRead = 100

    func page(_ filter: JobFilter, after cursor: JobCursor?) async throws -> JobPage {
        let limit = min(filter.limit, JobFilter.maximumLimit)
        guard limit > 0 else { return JobPage() }
        let plan = try await plan(filter.query, states: filter.query.states, isReversed: filter.isReversed)
        var (found, budget): ([JobCursor], QueryPlan.Budget) = ([], .page)
        let end = try await walk(plan, after: cursor, &budget, wanted: limit, now: now.wall) { job in
            found.append(job.place)
            return found.count < limit
        }
        var (page, bytes) = (JobPage(next: end.next, isCut: false), 0)
        for start in stride(from: 0, to: found.count, by: Self.recordsPerRead) {
            let places = found[start..<min(start + Self.recordsPerRead, found.count)]
            let records = try await records(of: places)
            for place in places {
                guard bytes < JobFilter.maximumBytes else { return page }
                // It may have moved meanwhile.
                guard let (record, size) = records[place] else { continue }
                bytes += size
                page.jobs.append(record)
                page.next = place
            }
        }
        page.next = end.next
        if case .spent = end { page.isCut = true }
        return page
    }

    /// The records of jobs at places, with about how many bytes each has.
    private func records(
        of places: ArraySlice<JobCursor>
    ) async throws -> [JobCursor: (record: JobRecord, bytes: Int)] {
        let byState = Dictionary(grouping: places, by: \.state).sorted { $0.value[0].job < $1.value[0].job }
        let rows = try await run(
            byState.map { PostgresStatement(Self.records(in: $0.key), [.ints($0.value.map(\.job))]) })
        var records: [JobCursor: (record: JobRecord, bytes: Int)] = [:]
        for ((_, places), rows) in zip(byState, rows) {
            let byID = Dictionary(places.map { ($0.job, $0) }) { $1 }
            for row in rows {
                guard let place = byID[try row.int(0)] else { continue }
                let texts = [1, 9, 10, 13, 16, 20, 22].reduce(200) { $0 + row.withBytes($1, \.count) }
                records[place] = (try Self.record(row), texts)
            }
        }
        return records
    }

    /// Jobs of a state, with the columns of `record`.
    private static func records(in state: JobState) -> String {
        func column(_ name: String, _ type: String, of states: JobState...) -> String {
            states.contains(state) ? name : "NULL::\(type)"
        }
        let rows =
            switch state {
            case .ready: "CROSS JOIN LATERAL (\(readyRow)) s"
            case .leased: "JOIN held s ON s.job_id = j.id"
            case .delayed, .buried, .done, .cancelled, .expired: "JOIN \(state.table) s ON s.job_id = j.id"
            }
        // Their leases are read once, and not for each job.
        let held = "WITH held AS MATERIALIZED (SELECT * FROM stint.leased WHERE job_id = ANY ($1))"
        return """
            \(state == .leased ? held : "")
            SELECT j.id, q.name, '\(state.rawValue)', j.priority, s.attempts, j.max_attempts, s.crashes, j.max_crashes,
                   \(state.isUnfinished ? "s.suspect" : "false"), j.content_type, j.headers,
                   coalesce(d.bytes, octet_length(j.payload)), j.time_to_run_ms, u.key, j.enqueued_at,
                   \(column("s.run_at", "bigint", of: .delayed)), \(column("s.worker", "text", of: .leased)),
                   \(column("s.token", "bigint", of: .leased)), \(column("s.lease_expires_at", "bigint", of: .leased)),
                   \(column("s.buried_at", "bigint", of: .buried)),
                   \(column("s.reason", "text", of: .buried, .cancelled, .expired)),
                   \(column("s.done_at", "bigint", of: .done)), nullif(g.name, ''),
                   \(state.isOver ? "NULL::bigint" : "s.expires_at"),
                   \(column("s.cancelled_at", "bigint", of: .cancelled)),
                   \(column("s.expired_at", "bigint", of: .expired)), d.events
            FROM stint.jobs j \(rows)
            JOIN stint.queues q ON q.id = j.queue_id
            LEFT JOIN stint.unique_keys u ON u.job_id = j.id
            LEFT JOIN stint.groups g ON g.id = s.group_id
            LEFT JOIN stint.digests d ON d.job_id = j.id
            WHERE j.id = ANY ($1)
            """
    }
}
