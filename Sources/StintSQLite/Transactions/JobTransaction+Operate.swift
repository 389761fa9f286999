import StintCore

/// Finds a job, in whatever state it is.
extension JobTransaction {
    struct Located {
        let id: Int64
        let place: JobPlace
        let state: JobState
        let attempts: Int64
        let crashes: Int64
        let suspect: Bool
        let token: Int64?
    }

    func locate(_ id: JobID) throws -> Located {
        let job = try statement("SELECT queue_id, priority FROM stint_jobs WHERE id = ?1")
            .first(id.rawValue) { ($0.int(0), $0.int(1)) }
        guard let (queue, priority) = job else { throw StintError.notFound(id) }
        func found(_ state: JobState) -> (Statement.Row) -> Located {
            { row in
                Located(
                    id: id.rawValue,
                    place: JobPlace(
                        queue: queue, priority: priority, group: row.optionalInt(4), expiresAt: row.optionalInt(5)),
                    state: state, attempts: row.int(0), crashes: row.int(1), suspect: row.int(2) != 0,
                    token: row.optionalInt(3))
            }
        }
        for state in JobState.allCases {
            let suspect = state.hasSuspects ? "suspect" : "0"
            let token = state == .leased ? "token" : "NULL"
            let expiresAt = state.isOver ? "NULL" : "expires_at"
            let columns = "SELECT attempts, crashes, \(suspect), \(token), group_id, \(expiresAt) FROM \(state.table)"
            let job: Located? =
                switch state {
                case .ready:
                    try statement("\(columns) WHERE queue_id = ?1 AND priority = ?2 AND job_id = ?3")
                        .first(queue, priority, id.rawValue, read: found(state))
                case .delayed, .leased, .buried, .done, .cancelled, .expired:
                    try statement("\(columns) WHERE job_id = ?1").first(id.rawValue, read: found(state))
                }
            if let job { return job }
        }
        // One that an operation has deleted.
        let isDeleted = try statement("SELECT 1 FROM stint_deleted WHERE job_id = ?1").first(id.rawValue) { _ in true }
        if isDeleted == true { throw StintError.notFound(id) }
        throw StintError(.databaseUnusable, "job \(id) is in no state: the database was changed by another program")
    }
}
