import StintCore

/// A job that was leased in this transaction. Its payload is read when the transaction is durable, without the write
/// lock; see SQLiteStore+HandOut.swift.
struct ClaimedJob: Sendable {
    let lease: Lease
    let queue: QueueName
    let priority: UInt32
    let attempt: Int
    let runsAlone: Bool
}

extension JobTransaction {
    /// How many delayed jobs whose time has come one claim moves to ready, a queue: it keeps the transaction short.
    private static let promotionsPerClaim: Int64 = 1_000

    /// Leases the first ready jobs of the queues together, by priority, then id.
    func claim(_ request: ClaimRequest) throws -> [ClaimedJob] {
        let queues = try claimableQueues(request.queues)
        var candidates: [Candidate] = []
        for (index, queue) in queues.enumerated() {
            try promoteDue(in: queue.id)
            candidates += try statement(HotSQL.readyJobs)
                .rows(queue.id, Int64(request.limit)) { Candidate($0, queue: index) }
        }
        if queues.count > 1 { candidates.sort { ($0.priority, $0.id) < ($1.priority, $1.id) } }
        let chosen = Self.chosen(candidates, limit: request.limit)
        var tokens: [Int: FencingToken] = [:]
        for (index, queue) in queues.enumerated() {
            let mine = chosen.filter { $0.queue == index }
            if !mine.isEmpty { tokens[index] = try lease(mine, of: queue.id, request) }
        }
        return chosen.map { candidate in
            ClaimedJob(
                lease: Lease(job: JobID(rawValue: candidate.id), token: tokens[candidate.queue]!),
                queue: queues[candidate.queue].name, priority: UInt32(clamping: candidate.priority),
                attempt: Int(clamping: candidate.attempts + 1), runsAlone: candidate.suspect)
        }
    }

    private func claimableQueues(_ names: [QueueName]) throws -> [(id: Int64, name: QueueName)] {
        let select = try statement(HotSQL.claimableQueue)
        var queues: [(id: Int64, name: QueueName)] = []
        for name in names where !queues.contains(where: { $0.name == name }) {
            select.bind(1, name.description)
            if let id = try select.first(read: { $0.int(0) }) { queues.append((id, name)) }
        }
        return queues
    }

    private func promoteDue(in queue: Int64) throws {
        let due = try statement(HotSQL.dueDelayed).rows(queue, now.wall, Self.promotionsPerClaim) { $0.int(0) }
        guard !due.isEmpty else { return }
        let insert = try statement(HotSQL.delayedToReady)
        let delete = try statement(HotSQL.deleteDelayed)
        for id in due {
            try insert.execute(id)
            try delete.execute(id)
        }
        count(queue, ready: due.count, delayed: -due.count)
    }

    /// The first ones; a suspect only where it is the first, and then nothing else.
    private static func chosen(_ candidates: [Candidate], limit: Int) -> ArraySlice<Candidate> {
        if candidates.first?.suspect == true { return candidates.prefix(1) }
        return candidates.prefix(limit).prefix { !$0.suspect }
    }

    /// Moves the first ready jobs of a queue, which these are, to leased.
    private func lease(_ jobs: [Candidate], of queue: Int64, _ request: ClaimRequest) throws -> FencingToken {
        let token = try insertLease(queue, request, jobs: jobs.count)
        if let last = jobs.last { try statement(HotSQL.deleteReadyUpTo).execute(queue, last.priority, last.id) }
        let insertLeased = try statement(HotSQL.insertLeased)
        for job in jobs {
            try insertLeased.execute(job.id, token.rawValue, job.attempts + 1, job.crashes, job.suspect ? 1 : 0)
        }
        count(queue, ready: -jobs.count, leased: jobs.count)
        return token
    }

    private func insertLease(_ queue: Int64, _ request: ClaimRequest, jobs: Int) throws -> FencingToken {
        let insert = try statement(HotSQL.insertLease)
        insert.bind(1, queue)
        insert.bind(2, request.worker)
        insert.bind(3, now.boot)
        insert.bind(4, now.monotonic + request.duration.milliseconds)
        insert.bind(5, now.wall)
        insert.bind(6, now.wall + request.duration.milliseconds)
        insert.bind(7, Int64(jobs))
        insert.bind(8, request.registration?.rawValue)
        return FencingToken(rawValue: try insert.insertedID())
    }
}

/// A row of `HotSQL.readyJobs`.
private struct Candidate {
    let priority: Int64
    let id: Int64
    let attempts: Int64
    let crashes: Int64
    let suspect: Bool
    /// Which of the claim's queues.
    let queue: Int

    init(_ row: Statement.Row, queue: Int) {
        priority = row.int(0)
        id = row.int(1)
        attempts = row.tally(2)
        crashes = row.tally(3)
        suspect = row.int(4) != 0
        self.queue = queue
    }
}
