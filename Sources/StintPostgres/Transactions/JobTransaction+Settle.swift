import StintCore

/// A row of `stint.leases`, locked. Its jobs are removed from it as they are settled.
struct LeaseRow: Sendable {
    struct Job: Sendable {
        let attempts: Int64
        let crashes: Int64
        let group: Int64?
        let expiresAt: Timestamp?
    }

    static let columns = """
        token, queue_id, worker, worker_id, claimed_at, suspect, job_ids, attempts, crashes, group_ids, expiries, deadline
        """

    /// What `UPDATE stint.leases l SET` writes so that the lease holds some jobs no more.
    ///
    /// - Parameter jobs: An array in SQL. Others must be left.
    static func without(jobs: String) -> String {
        """
        (job_ids, attempts, crashes, group_ids, expiries) = (
            SELECT array_agg(h.job ORDER BY place), array_agg(h.attempts ORDER BY place),
                   array_agg(h.crashes ORDER BY place),
                   CASE WHEN l.group_ids IS NOT NULL THEN array_agg(l.group_ids[place] ORDER BY place) END,
                   CASE WHEN l.expiries IS NOT NULL THEN array_agg(l.expiries[place] ORDER BY place) END
            FROM unnest(l.job_ids, l.attempts, l.crashes) WITH ORDINALITY AS h (job, attempts, crashes, place)
            WHERE h.job <> ALL (\(jobs)))
        """
    }

    let token: Int64
    let queue: Int64
    let worker: String
    let workerID: Int64?
    let claimedAt: Timestamp
    /// By the steady clock.
    let deadline: Int64
    let isSuspect: Bool
    var jobs: [Int64: Job]

    init(_ row: PostgresRow) throws {
        token = try row.int(0)
        queue = try row.int(1)
        worker = try row.text(2)
        workerID = try row.optionalInt(3)
        claimedAt = try row.int(4)
        isSuspect = try row.bool(5)
        deadline = try row.int(11)
        let (ids, attempts, crashes) = (try row.ints(6), try row.ints(7), try row.ints(8))
        let groups = try row.optionalInts(9) ?? ids.map { _ in nil }
        let expiries = try row.optionalInts(10) ?? ids.map { _ in nil }
        guard [attempts.count, crashes.count, groups.count, expiries.count].allSatisfy({ $0 == ids.count }) else {
            throw StintError(
                .databaseUnusable,
                "the arrays of the lease \(token) in stint.leases have different lengths: end it by hand")
        }
        jobs = [:]
        for (place, id) in ids.enumerated() {
            jobs[id] = Job(
                attempts: attempts[place], crashes: crashes[place], group: groups[place], expiresAt: expiries[place])
        }
    }
}

/// What of a job's own row decides where it goes when it leaves its lease.
struct JobFacts: Sendable {
    var priority: Int64
    let maxAttempts: Int64
    let maxCrashes: Int64
}

extension LeaseRow {
    /// - Parameter job: One of the lease's.
    func held(_ job: Job, _ facts: JobFacts) -> HeldAttempt {
        HeldAttempt(
            attempts: job.attempts, crashes: job.crashes, maxAttempts: facts.maxAttempts, maxCrashes: facts.maxCrashes,
            isSuspect: isSuspect)
    }

    func place(of job: Job, priority: Int64) -> JobPlace {
        JobPlace(queue: queue, priority: priority, group: job.group, expiresAt: job.expiresAt)
    }
}

extension JobTransaction {
    /// Locks leases, in the order of their tokens.
    func lockLeases(_ tokens: Set<Int64>) async throws -> [Int64: LeaseRow] {
        let rows = try await run(
            "SELECT \(LeaseRow.columns) FROM stint.leases WHERE token = ANY ($1) ORDER BY token FOR UPDATE",
            .ints(tokens.sorted()))
        return Dictionary(uniqueKeysWithValues: try rows.map { try LeaseRow($0) }.map { ($0.token, $0) })
    }

    func facts(of jobs: some Collection<Int64>) async throws -> [Int64: JobFacts] {
        guard !jobs.isEmpty else { return [:] }
        let rows = try await run(
            "SELECT id, priority, max_attempts, max_crashes FROM stint.jobs WHERE id = ANY ($1)", .ints(jobs.sorted()))
        return Dictionary(
            uniqueKeysWithValues: try rows.map {
                (
                    try $0.int(0),
                    JobFacts(priority: try $0.int(1), maxAttempts: try $0.int(2), maxCrashes: try $0.int(3))
                )
            })
    }

    func settle(_ settlements: [Settlement]) async throws -> [Settlement.Answer] {
        guard !settlements.isEmpty else { return [] }
        var leases = try await lockLeases(Set(settlements.map(\.lease.token.rawValue)))
        var valid: [(index: Int, lease: LeaseRow, job: LeaseRow.Job)] = []
        for (index, settlement) in settlements.enumerated() {
            let (id, token) = (settlement.lease.job.rawValue, settlement.lease.token.rawValue)
            // Removed at once: a second settlement of the job has no lease any more.
            guard let job = leases[token]?.jobs.removeValue(forKey: id), let lease = leases[token] else { continue }
            valid.append((index, lease, job))
        }
        var answers = settlements.map { _ in Settlement.Answer.leaseLost }
        guard !valid.isEmpty else { return answers }
        let settled = valid.map { settlements[$0.index] }
        let facts = try await facts(of: settled.map(\.lease.job.rawValue))
        let refusals = try await refusals(of: settled)
        var moves: [Moved] = []
        for (index, lease, job) in valid {
            let settlement = settlements[index]
            let id = settlement.lease.job.rawValue
            guard var facts = facts[id] else { continue }
            if let priority = settlement.priority { facts.priority = Int64(priority) }
            var outcome = settlement.outcome
            // Its holder counts by its own clock, from before its claim.
            if outcome == .expire, job.expiresAt.map({ $0 <= now.wall }) != true { outcome = .release(after: .zero) }
            let held = lease.held(job, facts)
            let transition = Transition.after(
                outcome, held, maxAttempts: settlement.maxAttempts, refusedFor: refusals[id])
            let move = Moved(
                id: id, place: lease.place(of: job, priority: facts.priority), held: held, transition: transition,
                worker: lease.worker, diagnostics: settlement.diagnostics)
            moves.append(move)
            answers[index] = .settled(move.state)
            count(lease.queue, leased: -1)
            if outcome.hasRun {
                note(lease.queue) { $0.runTime.add(milliseconds: now.wall - lease.claimedAt) }
            }
        }
        let tokens = Set(valid.map(\.lease.token))
        _ = try await run(
            Self.shrinkLeases(tokens, by: moves.map(\.id)) + [Self.markClaimed(moves.map(\.id))]
                + setPriorities(settled, facts))
        try await move(moves)
        try await wakeLimited(Set(valid.map(\.lease.queue)))
        for (index, _, _) in valid { _ = try await enqueue(settlements[index].followUps) }
        return answers
    }

    private func setPriorities(_ settled: [Settlement], _ facts: [Int64: JobFacts]) -> [PostgresStatement] {
        let changed = settled.filter { settlement in
            settlement.priority.map { Int64($0) != facts[settlement.lease.job.rawValue]?.priority } ?? false
        }
        if changed.isEmpty { return [] }
        return [
            PostgresStatement(
                """
                UPDATE stint.jobs j SET priority = p.priority FROM unnest($1::bigint[], $2::bigint[]) AS p (id, priority)
                WHERE j.id = p.id
                """, [.ints(changed.map(\.lease.job.rawValue)), .ints(changed.map { Int64($0.priority ?? 0) })])
        ]
    }

    /// The end of a job may let another one of a queue with limits start.
    func wakeLimited(_ queues: Set<Int64>) async throws {
        let rows = try await run(
            "SELECT id FROM stint.queues WHERE id = ANY ($1) AND coalesce(concurrency, group_concurrency) IS NOT NULL",
            .ints(queues.sorted()))
        for row in rows { change.wakes.insert(try row.int(0)) }
    }

    /// How long ago jobs that are refused were first refused, without another outcome since: of several refusals in a row
    /// only the first is kept.
    private func refusals(of settled: [Settlement]) async throws -> [Int64: Duration] {
        let refused = settled.filter { if case .refuse = $0.outcome { true } else { false } }
        guard !refused.isEmpty else { return [:] }
        let rows = try await run(
            """
            SELECT j.id, f.at FROM unnest($1::bigint[]) AS j (id)
            CROSS JOIN LATERAL (
                SELECT at, kind FROM stint.failures WHERE job_id = j.id ORDER BY id DESC LIMIT 1) f
            WHERE f.kind = $2
            """,
            .ints(refused.map(\.lease.job.rawValue)), .text(JobFailure.Kind.refused.rawValue))
        return Dictionary(
            uniqueKeysWithValues: try rows.map {
                (try $0.int(0), Duration.milliseconds(max(0, now.wall - (try $0.int(1)))))
            })
    }

    // MARK: - Extend

    func extend(_ leases: [Lease], by duration: Duration) async throws -> [Lease] {
        let tokens = Set(leases.map(\.token.rawValue)).sorted()
        let milliseconds = duration.milliseconds
        let rows = try await run(
            """
            UPDATE stint.leases l SET deadline = greatest(deadline, $2::bigint + $4), duration_ms = greatest(duration_ms, $4),
                                      expires_at = greatest(expires_at, $3::bigint + $4)
            FROM (SELECT token FROM stint.leases WHERE token = ANY ($1) ORDER BY token FOR UPDATE) mine
            WHERE l.token = mine.token RETURNING l.token, l.job_ids
            """, .ints(tokens), .int(now.steady), .int(now.wall), .int(milliseconds))
        let held = Dictionary(uniqueKeysWithValues: try rows.map { (try $0.int(0), Set(try $0.ints(1))) })
        return leases.filter { held[$0.token.rawValue]?.contains($0.job.rawValue) != true }
    }
}
