import StintCore

/// How a query is answered from the tables: its plan, and what the full-text index says. The index changes no order: it
/// says which jobs of a part need not be looked at.
struct SearchedPlan {
    let plan: QueryPlan
    /// `nil`: nothing.
    let search: SearchAnswer?
}

extension JobTransaction {
    /// See ``QueryPlan``.
    func plan(
        _ query: JobQuery, states: [JobState], isReversed: Bool = false, needs: QueryPlan.Needs = []
    ) throws -> SearchedPlan {
        let found =
            switch QueryPlan.Lookup(of: query) {
            case .nothing: [Int64]()
            case .queues: try queues(of: query)
            case .groups(let names): try groups(names, in: try queues(of: query))
            }
        return SearchedPlan(
            plan: QueryPlan(query, states: states, isReversed: isReversed, needs: needs, found: found),
            search: try searchAnswer(query))
    }

    /// The queues whose jobs may match.
    private func queues(of query: JobQuery) throws -> [Int64] {
        if let named = query.namedQueues {
            return try named.compactMap(knownQueueID)
        }
        return try statement("SELECT id, name FROM stint_queues")
            .rows { (id: $0.int(0), name: QueueName(stored: $0.text(1))) }
            .filter { query.includes($0.name) }.map(\.id)
    }

    private func groups(_ names: [String], in queues: [Int64]) throws -> [Int64] {
        let select = try statement(HotSQL.groupID)
        return try queues.flatMap { queue in
            try names.compactMap { name in
                select.bind(1, queue)
                select.bind(2, name)
                return try select.first { $0.int(0) }
            }
        }
    }

    // MARK: - The statements of a part

    /// The places alone of the jobs of a part, without a look at the jobs: its order, the job and its queue. The
    /// numbers are those of ``jobs(_:_:isReversed:needs:)``.
    static func places(_ state: JobState, _ scope: QueryPlan.Scope) -> String {
        let (range, sorting) = range(state, scope, isReversed: false)
        let lease = state == .leased && scope != .all ? "CROSS JOIN stint_leases l ON l.token = s.token" : ""
        return """
            SELECT \(scope.orderColumn(of: state) ?? "0"), s.job_id, \(state == .leased ? "0" : "s.queue_id")
            FROM \(state.table) s \(lease) WHERE \(range) \(sorting) LIMIT ?4
            """
    }

    /// The places of a list of jobs that are in a part and behind a place in its order: its order, and the job. The
    /// numbers are those of ``jobs(_:_:isReversed:needs:isOne:)``, and ?5 is the list as JSON.
    static func places(ofListed state: JobState, _ scope: QueryPlan.Scope, isReversed: Bool) -> String {
        let (range, _) = range(state, scope, isReversed: isReversed)
        let lease = state == .leased && scope != .all ? "CROSS JOIN stint_leases l ON l.token = s.token" : ""
        let tables =
            state == .ready
            ? """
            CROSS JOIN stint_jobs j ON j.id = c.value
            CROSS JOIN stint_ready s ON s.queue_id = j.queue_id AND s.priority = j.priority AND s.job_id = j.id
            """ : "CROSS JOIN \(state.table) s ON s.job_id = c.value"
        return """
            SELECT \(scope.orderColumn(of: state) ?? "0"), s.job_id FROM json_each(?5) c \(tables) \(lease) WHERE \(range)
            """
    }

    /// Reads the jobs of a part behind a place in its order, one row each. ?1 is the scope's number, or in the scope
    /// `all` the queue of the place, ?2 and ?3 its order and job, ?4 the number of rows. If it is one job, that is ?5.
    /// Incomplete rows that another program has left are skipped.
    static func jobs(
        _ state: JobState, _ scope: QueryPlan.Scope, isReversed: Bool, needs: QueryPlan.Needs, isOne: Bool = false
    ) -> String {
        let order = scope.orderColumn(of: state)
        func column(_ name: String, _ isNeeded: Bool) -> String { isNeeded ? name : "NULL" }
        let (range, sorting) = range(state, scope, isReversed: isReversed)
        let place = state == .ready ? "AND j.queue_id = s.queue_id AND j.priority = s.priority" : ""
        let lease = state == .leased && scope != .all ? "CROSS JOIN stint_leases l ON l.token = s.token" : ""
        let readsJob = !needs.isDisjoint(with: [.job, .headers, .payload, .payloadSize]) || !scope.isOfIndex || isOne
        let join = readsJob ? "CROSS JOIN stint_jobs j ON j.id = s.job_id \(place)" : ""
        let queue = state == .leased ? (readsJob ? "j.queue_id" : "0") : "s.queue_id"
        let priority = state == .ready ? "s.priority" : readsJob ? "j.priority" : "0"
        // CROSS JOIN forces this order of the tables on the planner.
        let tables =
            if isOne || !scope.isOfIndex {
                "stint_jobs j CROSS JOIN \(state.table) s ON s.job_id = j.id \(place) \(lease)"
            } else {
                "\(state.table) s \(lease) \(join)"
            }
        let hasFailures = needs.contains(.errors)
        return """
            SELECT \(order ?? "0"), s.job_id, \(queue), \(priority), s.attempts,
                   s.crashes, \(column("s.token", state == .leased)), \(state.hasSuspects ? "s.suspect" : "0"), s.group_id,
                   \(column("s.expires_at", !state.isOver)), \(column("j.enqueued_at", readsJob)),
                   \(column("j.headers", needs.contains(.headers))),
                   \(column("s.reason", hasFailures && state.hasReason)),
                   \(column(latestError("s.job_id"), hasFailures)),
                   \(column("j.payload", needs.contains(.payload))), \(column("j.is_digest", readsJob)),
                   \(column("coalesce((SELECT bytes FROM stint_digests WHERE job_id = j.id), length(j.payload))", needs.contains(.payloadSize))),
                   \(column("s.buried_at", state == .buried)), \(state == .buried ? "s.burial" : "0")
            FROM \(tables)
            WHERE \(range) \(isOne ? "AND j.id = ?5" : sorting) LIMIT ?4
            """
    }

    /// The conditions and the order that make a part of an index.
    private static func range(
        _ state: JobState, _ scope: QueryPlan.Scope, isReversed: Bool
    ) -> (range: String, sorting: String) {
        // The queue of a leased job is in its lease.
        let queue = state == .leased ? "l.queue_id" : "s.queue_id"
        let key = (scope.orderColumn(of: state).map { [($0, "?2")] } ?? []) + [("s.job_id", "?3")]
        let (range, columns): (String, [String]) =
            switch (scope, state) {
            case (.all, .leased): (isBehind([("s.job_id", "?3")], isReversed), ["s.job_id"])
            case (.all, _): (isBehind([("s.queue_id", "?1")] + key, isReversed), ["s.queue_id"] + key.map(\.0))
            case (.queue, _): ("\(queue) = ?1 AND \(isBehind(key, isReversed))", key.map(\.0))
            case (.group, _): ("s.group_id = ?1 AND \(isBehind(key, isReversed))", key.map(\.0))
            case (.errors, _): ("s.error_group = ?1 AND \(isBehind(key, isReversed))", key.map(\.0))
            case (.job, _): ("j.id = ?1 AND \(isBehind([("j.id", "?3")], isReversed))", [])
            }
        let sorting = columns.map { isReversed ? "\($0) DESC" : $0 }.joined(separator: ", ")
        return (range, sorting.isEmpty ? "" : "ORDER BY \(sorting)")
    }

    private static func isBehind(_ key: [(column: String, place: String)], _ isReversed: Bool) -> String {
        let (columns, places) = (key.map(\.column), key.map(\.place))
        return "(\(columns.joined(separator: ", "))) \(isReversed ? "<" : ">") (\(places.joined(separator: ", ")))"
    }
}
