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
            _ = try enqueue(settlement.followUps)
            return .settled(state)
        }
        for (token, lease) in leases where lease.settled > 0 {
            count(lease.queue, leased: -Int(lease.settled), done: Int(lease.done))
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
        let transition = Transition.after(settlement.outcome, job.held, maxAttempts: settlement.maxAttempts)
        return try move(
            settlement.lease.job, lease.queue, job, transition, worker: lease.worker, settlement.diagnostics)
    }
}

/// A row of `HotSQL.lease`, and how many of its jobs were settled in this transaction. It is a class because it is
/// changed in place once for each job.
final class SettledLease {
    let queue: Int64
    let jobs: Int64
    let retention: Int64
    let worker: String
    var settled: Int64 = 0
    /// How many of these were acknowledged.
    var done: Int64 = 0

    init(_ row: Statement.Row) {
        queue = row.int(0)
        jobs = row.int(1)
        retention = row.int(2)
        worker = row.text(3)
    }
}

/// The statements that remove a settled job, looked up once and not once for each job. Few jobs have a unique key or
/// failures: one look at the range of ids spares most acks two look-ups for each job, a quarter of their cost.
struct Cleanup {
    let deleteLeased: Statement
    let deleteJob: Statement
    private let uniqueKeys: Statement?
    private let failures: Statement?

    init(of ids: [Int64], in transaction: JobTransaction) throws {
        deleteLeased = try transaction.statement(HotSQL.deleteLeased)
        deleteJob = try transaction.statement(HotSQL.deleteJob)
        let (first, last) = (ids.min() ?? 0, ids.max() ?? 0)
        let anyUniqueKey = try transaction.statement(HotSQL.anyUniqueKey).first(first, last) { $0.int(0) != 0 }
        let anyFailure = try transaction.statement(HotSQL.anyFailure).first(first, last) { $0.int(0) != 0 }
        uniqueKeys = anyUniqueKey == true ? try transaction.statement(HotSQL.deleteUniqueKey) : nil
        failures = anyFailure == true ? try transaction.statement(HotSQL.deleteFailures) : nil
    }

    func freeUniqueKey(_ id: Int64) throws { try uniqueKeys?.execute(id) }
    func deleteFailures(_ id: Int64) throws { try failures?.execute(id) }
}
