import StintCore

extension JobTransaction {
    /// How many delayed jobs whose time has come one claim moves to ready in each queue: it keeps the transaction
    /// short.
    private static let promotionsPerClaim: Int64 = 1_000
    /// If this many times a claim's limit is ready, it is enough for all workers, without counting them.
    private static let plenty: Int64 = 100

    /// Leases the first ready jobs of the queues together, by priority, then id.
    func claim(_ request: ClaimRequest) throws -> Claim {
        var queues = try claimableQueues(request.queues)
        for index in queues.indices {
            queues[index].ready = Self.sum(queues[index].ready, try promoteDue(in: queues[index].id))
        }
        let limit = try limit(request, ready: queues.reduce(0) { Self.sum($0, $1.ready) })
        guard limit > 0 else { return Claim() }
        var candidates = try self.candidates(of: queues, limit, HotSQL.readyJobs)
        let suspect = candidates.prefix(limit).first(where: \.suspect)
        let leavesSome = suspect != nil && request.passesOverSuspects
        if leavesSome { candidates = try self.candidates(of: queues, limit, HotSQL.readyInnocents) }
        let rows = Self.chosen(candidates, limit: limit)
        let chosen = Self.withoutRepetitions(rows)
        var tokens: [Int: FencingToken] = [:]
        for (index, queue) in queues.enumerated() {
            let mine = rows.filter { $0.queue == index }
            try leavesSome ? take(mine, of: queue.id) : takeFirst(mine, of: queue.id)
            let leased = chosen.filter { $0.queue == index }
            if !leased.isEmpty {
                let token = try insertLease(queue.id, request, jobs: leased.count)
                try lease(leased, of: queue.id, under: token)
                tokens[index] = token
            }
        }
        let jobs = chosen.map { candidate in
            ClaimedJob(
                lease: Lease(job: JobID(rawValue: candidate.id), token: tokens[candidate.queue]!),
                queue: queues[candidate.queue].name, priority: UInt32(clamping: candidate.priority),
                attempt: Int(clamping: candidate.attempts + 1), runsAlone: candidate.suspect)
        }
        let isTaken = jobs.first?.runsAlone == true
        return Claim(jobs: jobs, passedOver: isTaken ? nil : suspect.map { JobID(rawValue: $0.id) })
    }

    /// Adds kept counts, which another program may have made absurd.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? (right > 0 ? .max : .min) : sum
    }

    /// If not enough is ready for all workers, jobs that cannot be started at once are left to other workers.
    private func limit(_ request: ClaimRequest, ready: Int64) throws -> Int {
        guard request.idleSlots < request.limit, ready < Int64(request.limit) * Self.plenty else {
            return request.limit
        }
        let workers = try statement("SELECT count(*) FROM stint_workers").first { $0.int(0) } ?? 0
        let share = Int(clamping: ready / max(1, workers))
        return min(request.limit, max(request.idleSlots, share))
    }

    private typealias ClaimableQueue = (id: Int64, name: QueueName, ready: Int64)

    /// The first rows of each queue, in the order of claims.
    private func candidates(of queues: [ClaimableQueue], _ limit: Int, _ sql: String) throws -> [Candidate] {
        var candidates: [Candidate] = []
        for (index, queue) in queues.enumerated() {
            candidates += try self.candidates(queue.id, index, limit, sql)
        }
        if queues.count > 1 { candidates.sort { ($0.priority, $0.id) < ($1.priority, $1.id) } }
        return candidates
    }

    private func candidates(_ queue: Int64, _ index: Int, _ limit: Int, _ sql: String) throws -> [Candidate] {
        func read() throws -> [Candidate] {
            try statement(sql).rows(queue, Int64(limit)) { Candidate($0, queue: index) }
        }
        let found = try read()
        if found.allSatisfy(\.isSound) { return found }
        // No job has such a number. Such rows can exist if another program has created the table again without types.
        // They would be taken again and again, and others never.
        try statement(
            "DELETE FROM stint_ready WHERE queue_id = ?1 AND (typeof(priority) <> 'integer' OR typeof(job_id) <> 'integer')"
        ).execute(queue)
        return try read()
    }

    private func claimableQueues(_ names: [QueueName]) throws -> [ClaimableQueue] {
        let select = try statement(HotSQL.claimableQueue)
        var queues: [ClaimableQueue] = []
        for name in names where !queues.contains(where: { $0.name == name }) {
            select.bind(1, name.description)
            if let (id, ready) = try select.first(read: { ($0.int(0), $0.int(1)) }) { queues.append((id, name, ready)) }
        }
        return queues
    }

    /// - Returns: How many.
    private func promoteDue(in queue: Int64) throws -> Int64 {
        let due = try statement(HotSQL.dueDelayed).rows(queue, now.wall, Self.promotionsPerClaim) { $0.int(0) }
        return due.isEmpty ? 0 : Int64(try promote(due, in: queue))
    }

    /// The first candidates. A suspect is chosen only if it is the first, and then alone.
    private static func chosen(_ candidates: [Candidate], limit: Int) -> ArraySlice<Candidate> {
        if candidates.first?.suspect == true { return candidates.prefix(1) }
        return candidates.prefix(limit).prefix { !$0.suspect }
    }

    /// If another program has made a job ready twice, the job is handed out once.
    private static func withoutRepetitions(_ rows: ArraySlice<Candidate>) -> ArraySlice<Candidate> {
        // Two rows of a job differ in queue or priority. Mostly all rows have the same ones.
        guard let first = rows.first, !rows.allSatisfy({ $0.queue == first.queue && $0.priority == first.priority })
        else { return rows }
        var seen: Set<Int64> = []
        return rows.filter { seen.insert($0.id).inserted }[...]
    }

    /// The lease itself, of jobs that ``lease(_:of:under:)`` gives to its holder.
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
        insert.bind(9, request.duration.milliseconds)
        return FencingToken(rawValue: try insert.insertedID())
    }
}
