import StintCore

extension JobTransaction {
    /// The maximum number of failures that are kept of one job: a job that is kicked again and again must not grow the
    /// file.
    private static let failuresPerJob: Int64 = 50

    func settle(_ settlements: [Settlement]) throws -> [Settlement.Answer] {
        guard !settlements.isEmpty else { return [] }
        var leases: [FencingToken: SettledLease] = [:]
        let select = try statement(HotSQL.lease)
        for token in Set(settlements.map(\.lease.token)) {
            leases[token] = try select.first(token.rawValue, read: SettledLease.init)
        }
        let cleanup = try Cleanup(of: settlements.map(\.lease.job.rawValue), in: self)
        let answers = try settlements.map { settlement -> Settlement.Answer in
            let token = settlement.lease.token
            guard let lease = leases[token], let state = try apply(settlement, lease, cleanup) else {
                return .leaseLost
            }
            lease.settled += 1
            if state == .done { lease.done += 1 }
            _ = try enqueue(settlement.followUps)
            return .settled(state)
        }
        for (token, lease) in leases where lease.settled > 0 {
            count(lease.queue, leased: -Int(lease.settled), done: Int(lease.done))
            if lease.isLimited { wakesWorkers = true }
            try shrink(token, lease.jobs, by: lease.settled)
        }
        return answers
    }

    /// Writes the outcome of one job. Changes nothing and returns `nil` if the token is not the job's current one.
    private func apply(_ settlement: Settlement, _ lease: SettledLease, _ cleanup: Cleanup) throws -> JobState? {
        let (id, token) = (settlement.lease.job.rawValue, settlement.lease.token.rawValue)
        if case .ack = settlement.outcome {
            return try acknowledge(id, token, lease, cleanup) ? .done : nil
        }
        guard let job = try statement(HotSQL.leasedJob).first(id, token, read: LeasedRow.init) else { return nil }
        try cleanup.deleteLeased.execute(id, token)
        if let group = job.group { try putInLine(group, of: lease.queue) }
        var refusedFor: Duration?
        if case .refuse = settlement.outcome { refusedFor = try self.refusedFor(id) }
        var outcome = settlement.outcome
        // Its holder counts by its own clock, from before its claim.
        if outcome == .expire, job.expiresAt.map({ $0 <= now.wall }) != true { outcome = .release(after: .zero) }
        let transition = Transition.after(
            outcome, job.held, maxAttempts: settlement.maxAttempts, refusedFor: refusedFor)
        return try move(
            settlement.lease.job, lease.queue, job, transition, worker: lease.worker, settlement.diagnostics)
    }

    private func acknowledge(_ id: Int64, _ token: Int64, _ lease: SettledLease, _ cleanup: Cleanup) throws -> Bool {
        if lease.retention > 0 {
            try statement(HotSQL.leasedToDone).execute(id, token, lease.queue, now.wall)
        }
        let group = lease.limitsGroups ? try statement(HotSQL.groupOfLeased).first(id, token) { $0.optionalInt(0) } : nil
        guard try cleanup.deleteLeased.changes(id, token) == 1 else { return false }
        if let group = group ?? nil { try putInLine(group, of: lease.queue) }
        if lease.retention <= 0 {
            try cleanup.deleteJob.execute(id)
            try cleanup.deleteFailures(id)
            try cleanup.deleteEvents(id)
        }
        try cleanup.freeUniqueKey(id)
        return true
    }

    /// Moves a job that has just left its lease to the state that the rules give.
    func move(
        _ id: JobID, _ queue: Int64, _ job: LeasedRow, _ transition: Transition, worker: String?,
        _ diagnostics: AttemptDiagnostics?
    ) throws -> JobState {
        try statement(HotSQL.markClaimed).execute(id.rawValue)
        if let failure = transition.failure {
            try record(failure, attempt: job.held.attempts, id.rawValue, worker: worker, diagnostics)
        }
        let place = job.place(in: queue)
        switch transition.destination {
        case .done: preconditionFailure("an ack has a way of its own")
        case .waiting(let delay, let attempts, let crashes, let isSuspect):
            return try makeWaiting(
                id.rawValue, place, after: delay, attempts: attempts, crashes: crashes, suspect: isSuspect,
                holdsGroup: true)
        case .buried(let reason, let attempts, let crashes):
            try bury(id.rawValue, place, attempts: attempts, crashes: crashes, reason)
            return .buried
        case .expired(let reason, let attempts, let crashes):
            try end(id.rawValue, as: .expired, place, attempts: attempts, crashes: crashes, reason)
            return .expired
        }
    }

    /// How long ago the job was first refused, without another outcome since: of several refusals in a row only the first
    /// is kept.
    private func refusedFor(_ id: Int64) throws -> Duration? {
        try statement("SELECT kind, at FROM stint_failures WHERE job_id = ?1 ORDER BY id DESC LIMIT 1")
            .first(id) { row -> Duration? in
                guard row.text(0) == JobFailure.Kind.refused.rawValue else { return nil }
                return .milliseconds(max(0, now.wall &- row.int(1)))
            } ?? nil
    }

    /// Keeps an attempt that did not end well.
    private func record(
        _ failure: Transition.Failure, attempt: Int64, _ id: Int64, worker: String?, _ diagnostics: AttemptDiagnostics?
    ) throws {
        let insert = try statement(
            """
            INSERT INTO stint_failures (job_id, attempt, at, kind, error, worker, exit_code, signal, peak_memory_bytes,
                                        run_time_ms, standard_error)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """)
        insert.bind(1, id)
        insert.bind(2, attempt)
        insert.bind(3, now.wall)
        insert.bind(4, failure.kind.rawValue)
        insert.bind(5, failure.error.replacing("\0", with: "\u{FFFD}"))
        insert.bind(6, worker)
        insert.bind(7, diagnostics?.exitCode.map(Int64.init))
        insert.bind(8, diagnostics?.signal)
        insert.bind(9, diagnostics?.peakMemoryBytes)
        insert.bind(10, diagnostics?.runTimeMilliseconds)
        insert.bind(11, diagnostics?.standardError?.replacing("\0", with: "\u{FFFD}"))
        try insert.execute()
        try statement(
            """
            DELETE FROM stint_failures WHERE job_id = ?1 AND id <=
                (SELECT id FROM stint_failures WHERE job_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
            """
        ).execute(id, Self.failuresPerJob)
    }
}

/// A row of `HotSQL.lease`, and how many of its jobs were settled in this transaction. It is a class because it is
/// changed in place once for each job.
private final class SettledLease {
    let queue: Int64
    let jobs: Int64
    let retention: Int64
    let worker: String
    /// Whether the end of one of its jobs may let another one start.
    let isLimited: Bool
    let limitsGroups: Bool
    var settled: Int64 = 0
    /// How many of these were acknowledged.
    var done: Int64 = 0

    init(_ row: Statement.Row) {
        queue = row.int(0)
        jobs = row.int(1)
        retention = row.int(2)
        worker = row.text(3)
        limitsGroups = row.optionalInt(5) != nil
        isLimited = limitsGroups || row.optionalInt(4) != nil
    }
}

/// The statements that remove a settled job, looked up once and not once for each job. Few jobs have a unique key,
/// failures or events: one look at the range of ids spares most acks three look-ups for each job, a quarter of their cost.
private struct Cleanup {
    let deleteLeased: Statement
    let deleteJob: Statement
    private let uniqueKeys: Statement?
    private let failures: Statement?
    private let digests: (row: Statement, events: Statement)?

    init(of ids: [Int64], in transaction: JobTransaction) throws {
        deleteLeased = try transaction.statement(HotSQL.deleteLeased)
        deleteJob = try transaction.statement(HotSQL.deleteJob)
        let (first, last) = (ids.min() ?? 0, ids.max() ?? 0)
        let any = try transaction.statement(HotSQL.anyBelongings)
            .first(first, last) { (key: $0.int(0) != 0, failure: $0.int(1) != 0, digest: $0.int(2) != 0) }
        uniqueKeys = any?.key == true ? try transaction.statement(HotSQL.deleteUniqueKey) : nil
        failures = any?.failure == true ? try transaction.statement(HotSQL.deleteFailures) : nil
        digests =
            any?.digest == true
            ? (try transaction.statement(HotSQL.deleteDigest), try transaction.statement(HotSQL.deleteEvents)) : nil
    }

    func freeUniqueKey(_ id: Int64) throws { try uniqueKeys?.execute(id) }
    func deleteFailures(_ id: Int64) throws { try failures?.execute(id) }

    func deleteEvents(_ id: Int64) throws {
        if let digests, try digests.row.changes(id) > 0 { try digests.events.execute(id) }
    }
}
