import StintCore

extension JobTransaction {
    /// How many delayed jobs whose time has come one claim moves to ready in each queue: it keeps the transaction
    /// short.
    private static let promotionsPerClaim: Int64 = 1_000
    /// If this many times a claim's limit is ready, it is enough for all workers, without counting them.
    private static let plenty: Int64 = 100

    /// Leases the first ready jobs of the queues together. In a queue they come by priority, then id, or in turn of their
    /// groups; the queues are merged by priority, then id.
    func claim(_ request: ClaimRequest) throws -> Claim {
        if let job = request.job { return try claim(job, request) }
        var queues = try claimableQueues(request.queues)
        for index in queues.indices {
            queues[index].ready = Self.sum(queues[index].ready, try promoteDue(in: queues[index].id))
        }
        let limit = try limit(request, ready: queues.reduce(0) { Self.sum($0, $1.ready) })
        guard limit > 0 else { return Claim() }
        for index in queues.indices {
            queues[index].room = try room(in: queues[index], request, limit)
            queues[index].quantum = Self.quantum(request, of: queues[index])
        }
        var choices = try choices(of: queues, skipsSuspects: false)
        func merged() -> [Candidate] {
            Self.merged(choices, limit) { queues[$0].limits.isLimited ? request.idleSlots : limit }
        }
        let suspect = merged().first(where: \.suspect)
        let leavesSome = suspect != nil && request.passesOverSuspects
        if leavesSome { choices = try self.choices(of: queues, skipsSuspects: true) }
        let rows = Self.chosen(merged())
        let chosen = Self.withoutRepetitions(rows)
        var tokens: [Int: FencingToken] = [:]
        for (index, queue) in queues.enumerated() {
            let mine = rows.filter { $0.queue == index }
            switch leavesSome ? .rows : choices[index].kind {
            case .range: try takeFirst(mine, of: queue.id)
            case .rangeOfEachGroup: try takeFirstOfGroups(mine, of: queue.id)
            case .rows: try take(mine, of: queue.id)
            }
            let leased = chosen.filter { $0.queue == index }
            if !leased.isEmpty {
                let token = try insertLease(queue.id, request, jobs: leased.count)
                try lease(
                    leased, of: queue.id, under: token, areCounted: queue.limits.groupConcurrency != nil)
                tokens[index] = token
            }
            try serve(leased, of: queue, choices[index])
        }
        let jobs = chosen.map { candidate in
            claimed(candidate, of: queues[candidate.queue].name, under: tokens[candidate.queue]!)
        }
        let isTaken = jobs.first?.runsAlone == true
        return Claim(jobs: jobs, passedOver: isTaken ? nil : suspect.map { JobID(rawValue: $0.id) })
    }

    func claimed(_ job: Candidate, of queue: QueueName, under token: FencingToken) -> ClaimedJob {
        ClaimedJob(
            lease: Lease(job: JobID(rawValue: job.id), token: token), queue: queue,
            priority: UInt32(clamping: job.priority), attempt: Int(clamping: job.attempts + 1), runsAlone: job.suspect,
            expiresAt: job.expiresAt, expiresIn: job.expiresAt.map { .milliseconds($0 &- now.wall) })
    }

    /// Adds kept counts, which another program may have made absurd.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? (right > 0 ? .max : .min) : sum
    }

    // MARK: - How many

    /// If not enough is ready for all workers, jobs that cannot be started at once are left to other workers.
    private func limit(_ request: ClaimRequest, ready: Int64) throws -> Int {
        guard request.idleSlots < request.limit, ready < Int64(request.limit) * Self.plenty else {
            return request.limit
        }
        let workers = try statement("SELECT count(*) FROM stint_workers").first { $0.int(0) } ?? 0
        let share = Int(clamping: ready / max(1, workers))
        return min(request.limit, max(request.idleSlots, share))
    }

    /// How many jobs of a queue its limits allow now. Of a queue with limits nothing is claimed ahead: a job that waits in
    /// a worker would hold a place in which another worker could run one.
    func room(in queue: ClaimableQueue, _ request: ClaimRequest, _ limit: Int) throws -> Int {
        guard queue.limits.isLimited else { return limit }
        var room = min(limit, request.idleSlots)
        if let concurrency = queue.limits.concurrency {
            room = min(room, concurrency - Int(clamping: max(0, queue.leased)))
        }
        if let rate = queue.limits.rate { room = min(room, try startsLeft(rate, queue: queue.id, group: 0)) }
        return max(0, room)
    }

    /// How many jobs of a group come in a row if very many groups wait: a group costs a claim more than a job does.
    /// What a worker runs one after the other is done in a moment, so there it is up to 16, of at least four groups.
    /// Jobs that start at once are of at least 32 groups; of at least 8 if the queue says how many of a group may run.
    private static func quantum(_ request: ClaimRequest, of queue: ClaimableQueue) -> Int {
        let atOnce = queue.limits.groupConcurrency == nil ? fewestGroupsAtOnce : fewestLimitedGroupsAtOnce
        let groups = max(fewestGroups, min(request.idleSlots, atOnce))
        return max(1, min(largestQuantum, queue.room / groups, queue.limits.groupConcurrency ?? .max))
    }
    private static let largestQuantum = 16
    private static let fewestGroups = 4
    private static let fewestGroupsAtOnce = 32
    private static let fewestLimitedGroupsAtOnce = 8

    private func claimableQueues(_ names: [QueueName]) throws -> [ClaimableQueue] {
        var queues: [ClaimableQueue] = []
        for name in names where !queues.contains(where: { $0.name == name }) {
            if let queue = try claimableQueue(name) { queues.append(queue) }
        }
        return queues
    }

    /// `nil`: the queue does not exist, or is paused.
    func claimableQueue(_ name: QueueName) throws -> ClaimableQueue? {
        let select = try statement(HotSQL.claimableQueue)
        select.bind(1, name.description)
        guard var queue = try select.first(read: { ClaimableQueue(name, $0) }) else { return nil }
        // The places of jobs that the same transaction has settled are free.
        let (ready, leased) = pending(queue.id)
        queue.ready = Self.sum(queue.ready, ready)
        queue.leased = Self.sum(queue.leased, leased)
        return queue
    }

    /// - Returns: How many.
    private func promoteDue(in queue: Int64) throws -> Int64 {
        let due = try statement(HotSQL.dueDelayed).rows(queue, now.wall, Self.promotionsPerClaim) {
            (id: $0.int(0), group: $0.optionalInt(1))
        }
        return due.isEmpty ? 0 : Int64(try promote(due, in: queue))
    }

    // MARK: - Which ones

    private func choices(of queues: [ClaimableQueue], skipsSuspects: Bool) throws -> [Choice] {
        try queues.enumerated().map { index, queue in
            guard queue.room > 0 else { return Choice() }
            if queue.takesTurns { return try inTurn(queue, index, skipsSuspects: skipsSuspects) }
            if queue.hasGroups && queue.limits.limitsGroups {
                return try byPriorityWithinLimits(queue, index, skipsSuspects: skipsSuspects)
            }
            let sql = skipsSuspects ? HotSQL.readyInnocents : HotSQL.readyJobs
            let (rows, _) = try candidates(of: queue.id) {
                try self.statement(sql).rows(queue.id, Int64(queue.room)) { Candidate($0, queue: index) }
            }
            return Choice(rows: rows, kind: .range)
        }
    }

    /// Of queues in their own orders: the one whose next job goes first by priority, then id.
    ///
    /// - Parameter place: How many jobs a queue's own may have before them: those of a queue with limits start at once.
    private static func merged(_ choices: [Choice], _ limit: Int, place: (Int) -> Int) -> [Candidate] {
        if choices.count == 1 { return Array(choices[0].rows.prefix(limit)) }
        var places = choices.map { _ in 0 }
        var merged: [Candidate] = []
        while merged.count < limit {
            let next = choices.indices.filter {
                places[$0] < choices[$0].rows.count && merged.count < place($0)
            }.min {
                let (one, other) = (choices[$0].rows[places[$0]], choices[$1].rows[places[$1]])
                return (one.priority, one.id) < (other.priority, other.id)
            }
            guard let next else { break }
            merged.append(choices[next].rows[places[next]])
            places[next] += 1
        }
        return merged
    }

    /// A suspect is chosen only if it is the first, and then alone.
    private static func chosen(_ candidates: [Candidate]) -> ArraySlice<Candidate> {
        if candidates.first?.suspect == true { return candidates.prefix(1) }
        return candidates.prefix { !$0.suspect }
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
    func insertLease(_ queue: Int64, _ request: ClaimRequest, jobs: Int) throws -> FencingToken {
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
