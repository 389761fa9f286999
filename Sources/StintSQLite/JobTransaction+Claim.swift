import StintCore

extension JobTransaction {
    /// How many delayed jobs whose time has come one claim moves to ready, a queue: it keeps the transaction short.
    private static let promotionsPerClaim: Int64 = 1_000

    func claim(_ request: ClaimRequest) throws -> [LeasedJob] {
        let claimable = try statement(HotSQL.claimableQueue)
        var queues: [(id: Int64, name: QueueName)] = []
        for name in request.queues where !queues.contains(where: { $0.name == name }) {
            claimable.bind(1, name.description)
            guard let id = try claimable.first(read: { $0.int(0) }) else { continue }
            queues.append((id, name))
            try promoteDue(in: id)
        }
        var jobs: [LeasedJob] = []
        for (index, limit) in try shares(of: queues.map(\.id), limit: request.limit) {
            jobs += try take(limit, from: queues[index], for: request)
        }
        // The queues were read one after the other.
        if queues.count > 1 { jobs.sort { ($0.priority, $0.id) < ($1.priority, $1.id) } }
        return jobs
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

    /// How many jobs to take from each queue, so that together they are the first by priority and id.
    private func shares(of queues: [Int64], limit: Int) throws -> [(index: Int, limit: Int)] {
        guard queues.count > 1 else { return queues.isEmpty ? [] : [(0, limit)] }
        let select = try statement(HotSQL.readyKeys)
        var candidates: [(priority: Int64, id: Int64, suspect: Bool, index: Int)] = []
        for (index, queue) in queues.enumerated() {
            candidates += try select.rows(queue, Int64(limit)) { ($0.int(0), $0.int(1), $0.int(2) != 0, index) }
        }
        candidates.sort { ($0.priority, $0.id) < ($1.priority, $1.id) }
        var shares = [Int](repeating: 0, count: queues.count)
        for (position, candidate) in candidates.prefix(limit).enumerated() {
            if candidate.suspect && position > 0 { break }
            shares[candidate.index] += 1
            if candidate.suspect { break }
        }
        return shares.enumerated().filter { $0.element > 0 }.map { ($0.offset, $0.element) }
    }

    /// Leases the first jobs of a queue. A suspect is taken only as the first, and then alone.
    private func take(
        _ limit: Int, from queue: (id: Int64, name: QueueName), for request: ClaimRequest
    ) throws -> [LeasedJob] {
        var candidates: [Candidate] = []
        _ = try statement(HotSQL.readyJobs).rows(queue.id, Int64(limit)) { row -> Void? in
            let candidate = Candidate(row)
            if candidates.isEmpty || !candidate.suspect { candidates.append(candidate) }
            return candidate.suspect ? nil : ()
        }
        guard let last = candidates.last else { return [] }
        let token = try insertLease(queue.id, request, jobs: candidates.count)
        try statement(HotSQL.deleteReadyUpTo).execute(queue.id, last.priority, last.id)
        let insertLeased = try statement(HotSQL.insertLeased)
        for candidate in candidates {
            try insertLeased.execute(
                candidate.id, token.rawValue, candidate.attempts + 1, candidate.crashes, candidate.suspect ? 1 : 0)
        }
        count(queue.id, ready: -candidates.count, leased: candidates.count)
        return try candidates.compactMap { try hand(out: $0, token, queue.name) }
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
        return FencingToken(rawValue: try insert.insertedID())
    }

    /// The job as its holder gets it; a job that another program's hand made unreadable is buried instead.
    private func hand(out candidate: Candidate, _ token: FencingToken, _ queue: QueueName) throws -> LeasedJob? {
        let lease = Lease(job: JobID(rawValue: candidate.id), token: token)
        guard let priority = UInt32(exactly: candidate.priority) else {
            return try refuse(lease, "its stored priority \(candidate.priority) is not between 0 and 4294967295")
        }
        let headers: Headers
        do {
            headers = try Headers(storedText: candidate.headers)
        } catch {
            return try refuse(lease, "its stored headers cannot be read: \(error)")
        }
        return LeasedJob(
            lease: lease, queue: queue, payload: candidate.payload, contentType: candidate.contentType,
            headers: headers, priority: priority, attempt: Int(candidate.attempts) + 1,
            maxAttempts: Int(candidate.maxAttempts),
            timeToRun: candidate.timeToRun.map { .milliseconds($0) }, enqueuedAt: candidate.enqueuedAt,
            runsAlone: candidate.suspect)
    }

    private func refuse(_ lease: Lease, _ reason: String) throws -> LeasedJob? {
        _ = try settle([Settlement(lease, .bury(reason: reason))])
        return nil
    }
}

/// A row of `HotSQL.readyJobs`.
private struct Candidate {
    let id: Int64
    let priority: Int64
    let attempts: Int64
    let crashes: Int64
    let suspect: Bool
    let maxAttempts: Int64
    let timeToRun: Int64?
    let enqueuedAt: Timestamp
    let contentType: String
    let headers: String?
    let payload: [UInt8]

    init(_ row: Statement.Row) {
        id = row.int(0)
        priority = row.int(1)
        attempts = row.int(2)
        crashes = row.int(3)
        suspect = row.int(4) != 0
        maxAttempts = row.int(5)
        timeToRun = row.optionalInt(6)
        enqueuedAt = row.int(7)
        contentType = row.text(8)
        headers = row.optionalText(9)
        payload = row.bytes(10)
    }
}
