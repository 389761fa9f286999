import StintCore

/// A ready job that a claim may take: a row of `HotSQL.readyJobs`.
struct Candidate {
    let priority: Int64
    let id: Int64
    let attempts: Int64
    let crashes: Int64
    let suspect: Bool
    let group: Int64?
    let expiresAt: Int64?
    /// Since when it is ready; `nil`: since its enqueue, and that has not been read.
    let readyAt: Timestamp?
    /// The index of the queue in the claim.
    let queue: Int
    /// Whether its key consists of numbers.
    let isSound: Bool

    init(_ row: Statement.Row, queue: Int) {
        isSound = row.isInteger(0) && row.isInteger(1)
        priority = row.int(0)
        id = row.int(1)
        attempts = row.tally(2)
        crashes = row.tally(3)
        suspect = row.int(4) != 0
        group = row.optionalInt(5)
        expiresAt = row.optionalInt(6)
        readyAt = row.optionalInt(7)
        self.queue = queue
    }

    /// A job of the claim's only queue, which is claimed by its id.
    ///
    /// - Parameter readyAt: Since when it waits to be claimed.
    init(_ job: JobTransaction.Located, group: Int64?, readyAt: Timestamp?) {
        isSound = true
        priority = job.place.priority
        id = job.id
        // As if it had been kicked.
        attempts = job.state == .buried ? 0 : job.attempts
        crashes = job.state == .buried ? 0 : job.crashes
        suspect = job.suspect
        self.group = group
        expiresAt = job.place.expiresAt
        self.readyAt = readyAt
        queue = 0
    }

    func isExpired(_ now: Timestamp) -> Bool {
        #if STINT_MUTATIONS
            if RemovedGuard.expiry.isRemoved { return false }
        #endif
        return expiresAt.map { $0 <= now } ?? false
    }
}

/// The jobs that a claim may take from one queue, in the order in which it takes them.
struct Choice {
    var rows: [Candidate] = []
    var kind = Kind.rows
    /// The groups of these jobs, if they come in turn.
    var groups: [Int64: GroupInLine] = [:]
    /// Whether no other groups waited.
    var isWholeLine = false
    /// How many jobs of one group came in a row.
    var quantum = 1

    /// What is removed by one statement.
    enum Kind {
        /// They are the first ones of the queue's order by priority and id, without gaps.
        case range
        /// They are the first ones of each group.
        case rangeOfEachGroup
        case rows
    }
}

extension JobTransaction {
    /// How often one claim looks for more jobs after it has ended those whose time was over.
    private static let expiryRounds = 4

    /// Reads candidates, ends those whose time is over, and removes rows that are no jobs.
    ///
    /// - Returns: The jobs before the first one whose time is over and that is not ended yet, and whether there is such a
    ///   one. Those behind it stay for the next claim too: a claim may remove all rows up to its last one.
    func candidates(of queue: Int64, _ read: () throws -> [Candidate]) throws -> (rows: [Candidate], isCut: Bool) {
        var found = try read()
        // At most a claim's worth of jobs in each round, and few rounds: the transaction must stay short.
        for _ in 0..<Self.expiryRounds {
            guard try expire(found, of: queue) else { break }
            found = try read()
        }
        if found.allSatisfy(\.isSound) { return beforeExpired(found) }
        // No job has such a number. Such rows can exist if another program has created the table again without types.
        // They would be taken again and again, and others never.
        try statement(
            "DELETE FROM stint_ready WHERE queue_id = ?1 AND (typeof(priority) <> 'integer' OR typeof(job_id) <> 'integer')"
        ).execute(queue)
        return beforeExpired(try read())
    }

    private func beforeExpired(_ found: [Candidate]) -> (rows: [Candidate], isCut: Bool) {
        guard let end = found.firstIndex(where: { $0.isExpired(now.wall) }) else { return (found, false) }
        return (Array(found[..<end]), true)
    }

    /// Ends the jobs among these whose time is over.
    ///
    /// - Returns: Whether there were any.
    private func expire(_ candidates: [Candidate], of queue: Int64) throws -> Bool {
        let expired = candidates.filter { $0.isExpired(now.wall) }
        for job in expired {
            let place = JobPlace(queue: queue, priority: job.priority, group: job.group, expiresAt: job.expiresAt)
            try leave(
                Located(
                    id: job.id, place: place, state: .ready, attempts: job.attempts, crashes: job.crashes,
                    suspect: job.suspect, token: nil))
            try end(
                job.id, as: .expired, place, attempts: job.attempts, crashes: job.crashes,
                Transition.expiryReason(attempts: job.attempts))
        }
        return !expired.isEmpty
    }
}
