import StintCore

/// Takes jobs out of their states; see `JobTransaction+Transitions.swift`.
extension JobTransaction {
    /// Its end may let another job of its group start.
    func leaveLease(_ id: Int64, _ token: Int64, _ queue: Int64, _ group: Int64?) throws {
        try statement(HotSQL.deleteLeased).execute(id, token)
        count(queue, leased: -1)
        if let group { try putBackInLine(group, of: queue) }
    }

    /// Removes the job from its state; the caller puts it into another one or deletes it.
    func leave(_ job: Located) throws {
        switch job.state {
        case .ready:
            try statement(HotSQL.deleteReady).execute(job.place.queue, job.place.priority, job.id)
            count(job.place.queue, ready: -1)
        case .delayed:
            try statement(HotSQL.deleteDelayed).execute(job.id)
            count(job.place.queue, delayed: -1)
            if let group = job.place.group {
                try putBackInLine(group, of: job.place.queue)
                // In a strict order its group may have waited for it.
                wakesWorkers = true
            }
        case .leased:
            revokes = true
            // Its queue or group may have been at its limit.
            wakesWorkers = true
            try statement(HotSQL.markClaimed).execute(job.id)
            try statement("DELETE FROM stint_leased WHERE job_id = ?1").execute(job.id)
            count(job.place.queue, leased: -1)
            if let group = job.place.group { try putBackInLine(group, of: job.place.queue) }
            if let token = job.token {
                let jobs = try statement("SELECT jobs FROM stint_leases WHERE token = ?1").first(token) { $0.int(0) }
                try shrink(FencingToken(rawValue: token), jobs ?? 0, by: 1)
            }
        case .buried:
            let group =
                try statement("DELETE FROM stint_buried WHERE job_id = ?1 RETURNING error_group")
                .first(job.id) { $0.optionalInt(0) } ?? nil
            count(job.place.queue, buried: -1)
            if let group { countError(group, job.place.queue, -1, at: now.wall) }
        case .done, .cancelled, .expired:
            try statement("DELETE FROM \(job.state.table) WHERE job_id = ?1").execute(job.id)
        }
    }

    /// Removes the first rows of a queue, which these are.
    func takeFirst(_ rows: [Candidate], of queue: Int64) throws {
        guard let last = rows.last else { return }
        try statement(HotSQL.deleteReadyUpTo).execute(queue, last.priority, last.id)
        count(queue, ready: -rows.count)
    }

    /// Removes rows that are the first ones of their groups: a range of each group that has several.
    func takeFirstOfGroups(_ rows: [Candidate], of queue: Int64) throws {
        let deleteRange = try statement(HotSQL.deleteReadyOfGroupUpTo)
        let delete = try statement(HotSQL.deleteReady)
        for (group, last, count) in Self.byGroup(rows) {
            if count > 1 {
                try deleteRange.execute(queue, group, last.priority, last.id)
            } else {
                try delete.execute(queue, last.priority, last.id)
            }
        }
        count(queue, ready: -rows.count)
    }

    /// The last row of each group, and how many it has. Those of a group mostly come in a row.
    static func byGroup(_ rows: some Sequence<Candidate>) -> [(group: Int64, last: Candidate, count: Int)] {
        var groups: [(group: Int64, last: Candidate, count: Int)] = []
        var places: [Int64: Int] = [:]
        for row in rows {
            guard let group = row.group else { continue }
            let place = groups.last?.group == group ? groups.count - 1 : places[group]
            if let place {
                groups[place].last = row
                groups[place].count += 1
            } else {
                places[group] = groups.count
                groups.append((group, row, 1))
            }
        }
        return groups
    }

    /// Removes rows between which others stay.
    func take(_ rows: [Candidate], of queue: Int64) throws {
        guard !rows.isEmpty else { return }
        let delete = try statement(HotSQL.deleteReady)
        for row in rows { try delete.execute(queue, row.priority, row.id) }
        count(queue, ready: -rows.count)
    }

    /// Deletes a job that is no longer in any state, with everything that belongs to it.
    func forget(_ id: Int64) throws {
        try statement(HotSQL.deleteJob).execute(id)
        try statement(HotSQL.deleteUniqueKey).execute(id)
        try statement(HotSQL.deleteFailures).execute(id)
        if try statement(HotSQL.deleteDigest).changes(id) > 0 { try statement(HotSQL.deleteEvents).execute(id) }
    }

    /// Removes settled jobs from a lease, and the lease with its last job.
    func shrink(_ token: FencingToken, _ jobs: Int64, by settled: Int64) throws {
        if settled >= jobs {
            try statement(HotSQL.deleteLease).execute(token.rawValue)
        } else {
            try statement(HotSQL.shrinkLease).execute(token.rawValue, settled)
        }
    }
}
