import StintCore

/// What a person does with jobs, by id and in any state.
extension JobTransaction {
    func kick(_ ids: [JobID]) throws {
        for id in ids {
            let job = try locate(id)
            guard job.state == .buried else {
                throw StintError.invalidInput(
                    "job \(id) is \(job.state.rawValue), not buried: only a buried job can be kicked")
            }
            try leave(job)
            try makeWaiting(id, job.queue, priority: job.priority, after: .zero)
        }
    }

    func runNow(_ ids: [JobID]) throws {
        for id in ids {
            let job = try locate(id)
            switch job.state {
            case .ready: continue
            case .delayed:
                try leave(job)
                try makeWaiting(
                    id, job.queue, priority: job.priority, after: .zero, attempts: job.attempts, crashes: job.crashes,
                    suspect: job.suspect)
            case .leased:
                throw StintError.invalidInput(
                    "job \(id) is leased: a worker has it already, so it cannot be started now")
            case .buried:
                throw StintError.invalidInput("job \(id) is buried: kick it, and it is ready with all its attempts")
            case .done: throw StintError.invalidInput("job \(id) is done: a done job does not run again")
            }
        }
    }

    func bury(_ ids: [JobID], reason: String) throws {
        for id in ids {
            let job = try locate(id)
            switch job.state {
            case .buried: continue
            case .done: throw StintError.invalidInput("job \(id) is done: a done job cannot be buried")
            case .ready, .delayed, .leased: break
            }
            try leave(job)
            try bury(id.rawValue, job.queue, attempts: job.attempts, crashes: job.crashes, reason)
        }
    }

    func delete(_ ids: [JobID]) throws {
        for id in ids {
            try leave(try locate(id))
            try forget(id.rawValue)
        }
    }

    // MARK: - One job, wherever it is

    struct Located {
        let id: Int64
        let queue: Int64
        let priority: Int64
        let state: JobState
        let attempts: Int64
        let crashes: Int64
        let suspect: Bool
        let token: Int64?
    }

    private func locate(_ id: JobID) throws -> Located {
        let job = try statement("SELECT queue_id, priority FROM stint_jobs WHERE id = ?1")
            .first(id.rawValue) { ($0.int(0), $0.int(1)) }
        guard let (queue, priority) = job else { throw StintError.notFound(id) }
        func found(_ state: JobState) -> (Statement.Row) -> Located {
            { row in
                Located(
                    id: id.rawValue, queue: queue, priority: priority, state: state, attempts: row.int(0),
                    crashes: row.int(1), suspect: row.int(2) != 0, token: row.optionalInt(3))
            }
        }
        for state in JobState.allCases {
            let suspect = state.hasSuspects ? "suspect" : "0"
            let token = state == .leased ? "token" : "NULL"
            let columns = "SELECT attempts, crashes, \(suspect), \(token) FROM \(state.table)"
            let job: Located? =
                switch state {
                case .ready:
                    try statement("\(columns) WHERE queue_id = ?1 AND priority = ?2 AND job_id = ?3")
                        .first(queue, priority, id.rawValue, read: found(state))
                case .delayed, .leased, .buried, .done:
                    try statement("\(columns) WHERE job_id = ?1").first(id.rawValue, read: found(state))
                }
            if let job { return job }
        }
        throw StintError(.databaseUnusable, "job \(id) is in no state: the database was changed by another program")
    }
}
