import StintCore

extension JobTransaction {
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
            if settlement.outcome.hasRun { lease.ran += 1 }
            _ = try enqueue(settlement.followUps)
            return .settled(state)
        }
        for (token, lease) in leases where lease.settled > 0 {
            count(lease.queue, leased: -Int(lease.settled), done: Int(lease.done))
            if lease.ran > 0 {
                note(lease.queue) { $0.runTime.add(milliseconds: now.wall &- lease.claimedAt, times: lease.ran) }
            }
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
        guard var job = try statement(HotSQL.leasedJob).first(id, token, read: LeasedRow.init) else { return nil }
        if let priority = settlement.priority.map(Int64.init), priority != job.priority {
            try statement(HotSQL.setPriority).execute(id, priority)
            job.priority = priority
        }
        try cleanup.deleteLeased.execute(id, token)
        if let group = job.group { try putBackInLine(group, of: lease.queue) }
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

    /// How long ago the job was first refused, without another outcome since: of several refusals in a row only the first
    /// is kept.
    private func refusedFor(_ id: Int64) throws -> Duration? {
        try statement("SELECT kind, at FROM stint_failures WHERE job_id = ?1 ORDER BY id DESC LIMIT 1")
            .first(id) { row -> Duration? in
                guard row.text(0) == JobFailure.Kind.refused.rawValue else { return nil }
                return .milliseconds(max(0, now.wall &- row.int(1)))
            } ?? nil
    }
}

/// A row of `HotSQL.lease`, and how many of its jobs were settled in this transaction. It is a class because it is
/// changed in place once for each job.
final class SettledLease {
    let queue: Int64
    let jobs: Int64
    let retention: Int64
    let worker: String
    /// Whether the end of one of its jobs may let another one start.
    let isLimited: Bool
    /// Whether any group of the queue waits for the end of one of its jobs.
    let anyGroupIsFull: Bool
    let claimedAt: Timestamp
    var settled: Int64 = 0
    /// How many of these were acknowledged.
    var done: Int64 = 0
    /// How many of these had run.
    var ran = 0

    init(_ row: Statement.Row) {
        queue = row.int(0)
        jobs = row.int(1)
        retention = row.int(2)
        worker = row.text(3)
        isLimited = row.optionalInt(4) != nil || row.optionalInt(5) != nil
        anyGroupIsFull = row.int(6) != 0
        claimedAt = row.int(7)
    }
}

/// The statements that remove a settled job, looked up once and not once for each job. Few jobs have a unique key,
/// failures or events: one look at the range of ids spares most acks three look-ups for each job, a quarter of their cost.
struct Cleanup {
    let deleteLeased: Statement
    let deleteJob: Statement
    let putGroupInLine: Statement
    private let uniqueKeys: Statement?
    private let failures: Statement?
    private let digests: (row: Statement, events: Statement)?

    init(of ids: [Int64], in transaction: JobTransaction) throws {
        deleteLeased = try transaction.statement(HotSQL.deleteLeased)
        deleteJob = try transaction.statement(HotSQL.deleteJob)
        putGroupInLine = try transaction.statement(HotSQL.putGroupOfLeasedInLine)
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
