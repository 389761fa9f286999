import StintCore

extension JobTransaction {
    /// See `QueryPlan`.
    func plan(
        _ query: JobQuery, states: [JobState], isReversed: Bool = false, needs: QueryPlan.Needs = []
    ) async throws -> QueryPlan {
        let found =
            switch QueryPlan.Lookup(of: query) {
            case .nothing: [Int64]()
            case .queues: try await queues(of: query)
            case .groups(let names): try await groups(names, in: try await queues(of: query))
            }
        return QueryPlan(query, states: states, isReversed: isReversed, needs: needs, found: found)
    }

    /// The queues whose jobs may match.
    private func queues(of query: JobQuery) async throws -> [Int64] {
        if let named = query.namedQueues {
            return try await run(
                "SELECT id FROM stint.queues WHERE name = ANY ($1)", .texts(named.map(\.description))
            ).map { try $0.int(0) }
        }
        return try await run("SELECT id, name FROM stint.queues").filter {
            query.includes(QueueName(stored: try $0.text(1)))
        }.map { try $0.int(0) }
    }

    private func groups(_ names: [String], in queues: [Int64]) async throws -> [Int64] {
        try await run(
            "SELECT id FROM stint.groups WHERE queue_id = ANY ($1) AND name = ANY ($2)", .ints(queues),
            .texts(names.map(\.storable))
        ).map { try $0.int(0) }
    }

    // MARK: - The statements of a part

    /// How many jobs of a part an index finds behind a place in its order, at most $4, and the place of the last one: its
    /// order, the job and its queue. The numbers are those of ``jobs(_:_:isReversed:needs:)``.
    static func count(_ state: JobState, _ scope: QueryPlan.Scope) -> String {
        """
        SELECT place, sort, job_id, queue_id FROM (
            SELECT row_number() OVER (ORDER BY \(sorting(state, scope, false))) AS place, \(sortColumn(state, scope)) AS sort, s.job_id, s.queue_id
            FROM (\(rows(state, scope, isReversed: false))) s
        ) p ORDER BY place DESC LIMIT 1
        """
    }

    /// Reads the jobs of a part behind a place in its order, one row each. $1 is the scope's number, or in the scope
    /// `all` the queue of the place, $2 and $3 its order and job, $4 the number of rows. What they are read for is at most
    /// about $5 bytes.
    static func jobs(
        _ state: JobState, _ scope: QueryPlan.Scope, isReversed: Bool, needs: QueryPlan.Needs
    ) -> String {
        func column(_ name: String, _ isNeeded: Bool, _ type: String) -> String { isNeeded ? name : "NULL::\(type)" }
        let (hasFailures, hasPayload) = (needs.contains(.errors), needs.contains(.payload))
        let hasHeaders = needs.contains(.headers)
        let readsJob = !needs.isDisjoint(with: [.job, .headers, .payload, .payloadSize])
        let joins = [
            readsJob ? "JOIN stint.jobs j ON j.id = s.job_id" : nil,
            hasPayload || needs.contains(.payloadSize) ? "LEFT JOIN stint.digests d ON d.job_id = s.job_id" : nil,
            needs.contains(.names)
                ? "JOIN stint.queues q ON q.id = s.queue_id LEFT JOIN stint.groups g ON g.id = s.group_id" : nil,
            hasFailures ? "CROSS JOIN LATERAL (SELECT \(latestError("s.job_id")) AS error) f" : nil,
        ].compactMap(\.self).joined(separator: "\n")
        let size = "coalesce(d.bytes, octet_length(j.payload))"
        let bytes = [
            hasPayload ? size : nil, hasHeaders ? "coalesce(octet_length(j.headers), 0)" : nil,
            hasFailures ? "coalesce(octet_length(f.error), 0)" : nil,
            hasFailures && state.hasReason ? "coalesce(octet_length(s.reason), 0)" : nil,
        ].compactMap(\.self)
        let readBytes = bytes.isEmpty ? "0" : bytes.joined(separator: " + ")
        let priority = state == .ready ? "s.priority" : readsJob ? "j.priority" : "0::bigint"
        return """
            SELECT t.* FROM (
                SELECT sort, job_id, queue_id, priority, attempts, crashes, token, suspect, group_id, expires_at,
                       enqueued_at, headers, reason, error, payload, is_digest, size, buried_at, queue, "group", bytes,
                       sum(bytes) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) - bytes AS before, place,
                       burial
                FROM (
                    SELECT \(sortColumn(state, scope)) AS sort, s.job_id, s.queue_id::bigint AS queue_id,
                           \(priority) AS priority, s.attempts, s.crashes,
                           \(column("s.token", state == .leased, "bigint")) AS token,
                           \(state.isUnfinished ? "s.suspect" : "false") AS suspect, s.group_id,
                           \(column("s.expires_at", !state.isOver, "bigint")) AS expires_at,
                           \(column("j.enqueued_at", readsJob, "bigint")) AS enqueued_at,
                           \(column("j.headers", hasHeaders, "text")) AS headers,
                           \(column("s.reason", hasFailures && state.hasReason, "text")) AS reason,
                           \(column("f.error", hasFailures, "text")) AS error,
                           \(column("j.payload", hasPayload, "bytea")) AS payload,
                           \(column("j.is_digest", readsJob, "boolean")) AS is_digest,
                           \(column("\(size)::bigint", hasPayload || needs.contains(.payloadSize), "bigint")) AS size,
                           \(column("s.buried_at", state == .buried, "bigint")) AS buried_at,
                           \(column("q.name", needs.contains(.names), "text")) AS queue,
                           \(column("nullif(g.name, '')", needs.contains(.names), "text")) AS "group",
                           (\(readBytes))::bigint AS bytes,
                           row_number() OVER (ORDER BY \(sorting(state, scope, isReversed))) AS place,
                           \(state == .buried ? "s.burial" : "0::bigint") AS burial
                    FROM (\(rows(state, scope, isReversed: isReversed))) s
                    \(joins)
                ) r
            ) t
            WHERE before < $5::bigint ORDER BY place
            """
    }

    /// The second and later events of digests.
    static let events = "SELECT payload FROM stint.events WHERE job_id = $1 ORDER BY id"

    /// The error of a job's last attempt that did not succeed.
    static func latestError(_ job: String) -> String {
        "(SELECT l.error FROM stint.failures l WHERE l.job_id = \(job) ORDER BY l.id DESC LIMIT 1)"
    }

    // MARK: - The rows of a part

    /// One range of an index, in its order: at most $4 rows of the state's table.
    private static func rows(_ state: JobState, _ scope: QueryPlan.Scope, isReversed: Bool) -> String {
        if case .job = scope { return row(state, isReversed) }
        let range = range(state, scope, isReversed)
        func part(_ condition: String) -> String {
            """
            (SELECT s.* FROM \(state.table) s WHERE \(range) \(condition)
             ORDER BY \(sorting(state, scope, isReversed)) LIMIT $4::bigint)
            """
        }
        switch (state, scope) {
        case (.ready, .all), (.ready, .queue):
            // Each of the two indexes has a part of the rows.
            return """
                SELECT s.* FROM (\(part("AND s.group_id IS NULL")) UNION ALL \(part("AND s.group_id IS NOT NULL"))) s
                ORDER BY \(sorting(state, scope, isReversed)) LIMIT $4::bigint
                """
        case (.ready, _): return part("AND s.group_id IS NOT NULL")
        case (.delayed, _), (.leased, _), (.buried, _), (.done, _), (.cancelled, _), (.expired, _): return part("")
        }
    }

    /// One job, if it is in this state.
    private static func row(_ state: JobState, _ isReversed: Bool) -> String {
        let isHere = "j.id = $1 AND j.id \(isReversed ? "<" : ">") $3 AND $2::bigint IS NOT NULL LIMIT $4::bigint"
        guard state == .ready else {
            return "SELECT s.* FROM stint.jobs j JOIN \(state.table) s ON s.job_id = j.id WHERE \(isHere)"
        }
        return "SELECT s.* FROM stint.jobs j CROSS JOIN LATERAL (\(readyRow)) s WHERE \(isHere)"
    }

    /// The row in `stint.ready` of a job `j`.
    static let readyRow = ["IS NULL", "IS NOT NULL"].map { isGrouped in
        """
        SELECT * FROM stint.ready
        WHERE queue_id = j.queue_id AND priority = j.priority AND job_id = j.id AND group_id \(isGrouped)
        """
    }.joined(separator: " UNION ALL ")

    /// The condition that makes a part of an index.
    private static func range(_ state: JobState, _ scope: QueryPlan.Scope, _ isReversed: Bool) -> String {
        func isBehind(_ columns: [String], _ places: [String]) -> String {
            "(\(columns.joined(separator: ", "))) \(isReversed ? "<" : ">") (\(places.joined(separator: ", ")))"
        }
        let columns = keyColumns(state, scope)
        // `all` begins behind a queue, too.
        let known: String? =
            switch scope {
            case .all, .job: nil
            case .queue: "s.queue_id"
            case .group: "s.group_id"
            case .errors: "s.error_group"
            }
        let places = columns.map { column in
            switch column {
            case "s.job_id": "$3::bigint"
            case "s.holds_group": "$2::bigint > 0"
            case "s.queue_id" where scope == .all: "$1::bigint"
            default: "$2::bigint"
            }
        }
        let behind = isBehind(columns, places)
        // Every number is used, so that its type is known.
        let unused = ["$1", "$2"].filter { number in
            known == nil ? !behind.contains(number) : number == "$2" && !behind.contains(number)
        }.map { " AND \($0)::bigint IS NOT NULL" }.joined()
        guard let known else { return behind + unused }
        return "\(known) = $1::bigint AND \(behind)\(unused)"
    }

    private static func sorting(_ state: JobState, _ scope: QueryPlan.Scope, _ isReversed: Bool) -> String {
        keyColumns(state, scope).map { isReversed ? "\($0) DESC" : $0 }.joined(separator: ", ")
    }

    /// The columns that order the jobs of a part. The last one is that of the job.
    private static func keyColumns(_ state: JobState, _ scope: QueryPlan.Scope) -> [String] {
        let order = scope.orderColumn(of: state).map { [$0] } ?? []
        // The jobs of a queue are read from all leases, of which there are few.
        if scope == .all, state != .leased { return ["s.queue_id"] + order + ["s.job_id"] }
        return order + ["s.job_id"]
    }

    /// The column that orders the jobs of a part, before their ids, as a number.
    private static func sortColumn(_ state: JobState, _ scope: QueryPlan.Scope) -> String {
        guard let column = scope.orderColumn(of: state) else { return "0::bigint" }
        return column == "s.holds_group" ? "\(column)::integer::bigint" : "\(column)::bigint"
    }
}
