import StintCore

/// Puts jobs that were taken out of a state into the next one, and keeps the counts: the only place that does. Which one
/// that is, ``Transition`` says.
extension JobTransaction {
    /// The maximum number of failures that are kept of one job: a job that is kicked again and again must not grow the
    /// database.
    private static let failuresPerJob: Int64 = 50

    // MARK: - Ready and delayed

    /// A job that waits, from now on.
    struct Waiting {
        var id: Int64
        var place: JobPlace
        /// In milliseconds; 0: ready.
        var delay: Int64 = 0
        /// Whether it is ready since the time that its row has: mostly it is enqueued in this transaction.
        var isNew = false
        /// Since when it is ready otherwise; `nil`: since now.
        var readyAt: Timestamp?
        var attempts: Int64 = 0
        var crashes: Int64 = 0
        var suspect = false
        /// Whether the job has run, so that in a strict order its group waits for it.
        var holdsGroup = false
    }

    /// Makes jobs ready, or delayed if their delay is above zero.
    func makeWaiting(_ jobs: [Waiting]) async throws {
        let ready = jobs.filter { $0.delay <= 0 }
        let delayed = jobs.filter { $0.delay > 0 }
        for job in ready { count(job.place.queue, ready: 1) }
        for job in delayed { count(job.place.queue, delayed: 1) }
        var statements: [PostgresStatement] = []
        if !ready.isEmpty {
            try await lockLines(of: ready.map(\.place))
            statements.append(
                PostgresStatement(
                    """
                    INSERT INTO stint.ready (job_id, queue_id, attempts, crashes, suspect, group_id, expires_at, priority,
                                             ready_at)
                    SELECT * FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[], $5::boolean[],
                                         $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
                    """,
                    Self.common(ready) + [
                        .ints(ready.map(\.place.priority)),
                        .ints(ready.map { $0.isNew ? nil : $0.readyAt ?? now.wall }),
                    ]))
            if let line = putInLine(Set(ready.compactMap(\.place.group))) { statements.append(line) }
        }
        if !delayed.isEmpty {
            statements.append(
                PostgresStatement(
                    """
                    INSERT INTO stint.delayed (job_id, queue_id, attempts, crashes, suspect, group_id, expires_at, run_at,
                                               holds_group)
                    SELECT * FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::integer[], $5::boolean[],
                                         $6::bigint[], $7::bigint[], $8::bigint[], $9::boolean[])
                    """,
                    Self.common(delayed) + [
                        .ints(delayed.map { now.wall + $0.delay }),
                        .bools(delayed.map { $0.holdsGroup && $0.place.group != nil }),
                    ]))
        }
        if !statements.isEmpty { _ = try await run(statements) }
    }

    private static func common(_ jobs: [Waiting]) -> [PostgresValue] {
        [
            .ints(jobs.map(\.id)), .int32s(jobs.map { Int32(clamping: $0.place.queue) }),
            .int32s(jobs.map { Int32(clamping: $0.attempts) }), .int32s(jobs.map { Int32(clamping: $0.crashes) }),
            .bools(jobs.map(\.suspect)), .ints(jobs.map(\.place.group)), .ints(jobs.map(\.place.expiresAt)),
        ]
    }

    /// A claim by turns, which holds the lock alone, takes groups without ready jobs out of the line. So a transaction that
    /// makes a job of a group ready holds the lock together with others.
    func lockLines(of places: [JobPlace]) async throws {
        try await lock(Set(places.filter { $0.group != nil }.map(\.queue)), exclusively: false)
    }

    /// Lets groups wait for their turn, since they may have jobs that can be claimed now. They come just before the group
    /// that was served last: next, and with no credit from the time when they did nothing.
    ///
    /// - Returns: `nil` if there is nothing to do.
    func putInLine(_ groups: Set<Int64>) -> PostgresStatement? {
        let new = groups.subtracting(groupsInLine)
        if new.isEmpty { return nil }
        groupsInLine.formUnion(new)
        return PostgresStatement(
            """
            UPDATE stint.groups g SET is_in_line = true, turn = greatest(g.turn, t.turn - 1)
            FROM (SELECT id, queue_id FROM stint.groups WHERE id = ANY ($1) AND NOT is_in_line ORDER BY id FOR UPDATE) mine
            CROSS JOIN LATERAL (
                SELECT coalesce((SELECT turn FROM stint.turns WHERE queue_id = mine.queue_id), 0) AS turn) t
            WHERE g.id = mine.id
            """, [.ints(new.sorted())])
    }

    // MARK: - Buried

    struct Burial {
        let id: Int64
        let place: JobPlace
        let attempts: Int64
        let crashes: Int64
        let reason: String
        /// The error of the attempt that ends with this, if any.
        var latestError: String?
    }

    /// In this order.
    func bury(_ jobs: [Burial]) async throws {
        guard !jobs.isEmpty else { return }
        let reasons = jobs.map(\.reason.storable)
        let groups = zip(jobs, reasons).map { job, reason in
            ErrorFingerprint(burial: reason, latestError: job.latestError?.storable).id.rawValue
        }
        for (job, group) in zip(jobs, groups) {
            count(job.place.queue, buried: 1)
            countError(group, job.place.queue, 1, at: now.wall)
        }
        try await run(
            """
            INSERT INTO stint.buried (buried_at, job_id, queue_id, attempts, crashes, group_id, expires_at, reason,
                                      error_group)
            SELECT $1, * FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[],
                                     $8::text[], $9::bigint[])
            """,
            .int(now.wall), .ints(jobs.map(\.id)), .int32s(jobs.map { Int32(clamping: $0.place.queue) }),
            .int32s(jobs.map { Int32(clamping: $0.attempts) }), .int32s(jobs.map { Int32(clamping: $0.crashes) }),
            .ints(jobs.map(\.place.group)), .ints(jobs.map(\.place.expiresAt)), .texts(reasons), .ints(groups))
    }

    // MARK: - Over

    struct Ended {
        let id: Int64
        let place: JobPlace
        /// `done`, `cancelled` or `expired`.
        let state: JobState
        let attempts: Int64
        let crashes: Int64
        /// Why; `nil` if it is done.
        var reason: String?
    }

    /// Ends jobs for good. They are kept if their queue has a retention.
    func end(_ jobs: [Ended]) async throws {
        guard !jobs.isEmpty else { return }
        for job in jobs {
            count(
                job.place.queue, done: job.state == .done ? 1 : 0, cancelled: job.state == .cancelled ? 1 : 0,
                expired: job.state == .expired ? 1 : 0)
        }
        let rows = try await run(
            "SELECT id FROM stint.queues WHERE id = ANY ($1) AND retention_ms > 0",
            .ints(Set(jobs.map(\.place.queue)).sorted()))
        let keeping = Set(try rows.map { try $0.int(0) })
        let kept = jobs.filter { keeping.contains($0.place.queue) }
        var statements: [PostgresStatement] = []
        for (state, jobs) in Dictionary(grouping: kept, by: \.state).sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            statements.append(Self.keep(jobs, as: state, at: now.wall))
        }
        if !kept.isEmpty {
            statements.append(
                PostgresStatement("DELETE FROM stint.unique_keys WHERE job_id = ANY ($1)", [.ints(kept.map(\.id))]))
        }
        statements += Self.forget(jobs.filter { !keeping.contains($0.place.queue) }.map(\.id))
        _ = try await run(statements)
    }

    private static func keep(_ jobs: [Ended], as state: JobState, at now: Timestamp) -> PostgresStatement {
        precondition(state.isOver, "a job that is \(state.rawValue) is not over")
        let hasReason = state != .done
        return PostgresStatement(
            """
            INSERT INTO \(state.table) (\(state.orderColumn!), job_id, queue_id, attempts, crashes, group_id\(hasReason ? ", reason" : ""))
            SELECT $1, * FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[]\(hasReason ? ", $7::text[]" : ""))
            """,
            [
                .int(now), .ints(jobs.map(\.id)), .int32s(jobs.map { Int32(clamping: $0.place.queue) }),
                .int32s(jobs.map { Int32(clamping: $0.attempts) }), .int32s(jobs.map { Int32(clamping: $0.crashes) }),
                .ints(jobs.map(\.place.group)),
            ] + (hasReason ? [.texts(jobs.map { ($0.reason ?? "").storable })] : []))
    }

    /// Deletes jobs that are in no state any more, with everything that belongs to them.
    static func forget(_ ids: [Int64]) -> [PostgresStatement] {
        if ids.isEmpty { return [] }
        return [
            "DELETE FROM stint.jobs WHERE id = ANY ($1)", "DELETE FROM stint.unique_keys WHERE job_id = ANY ($1)",
            "DELETE FROM stint.failures WHERE job_id = ANY ($1)", "DELETE FROM stint.events WHERE job_id = ANY ($1)",
            "DELETE FROM stint.digests WHERE job_id = ANY ($1)",
        ].map { PostgresStatement($0, [.ints(ids)]) }
    }

    // MARK: - From leased

    /// A job that has just left its lease, and where it goes.
    struct Moved {
        let id: Int64
        var place: JobPlace
        let held: HeldAttempt
        let transition: Transition
        let worker: String?
        let diagnostics: AttemptDiagnostics?

        var state: JobState {
            switch transition.destination {
            case .done: .done
            case .waiting(let delay, _, _, _): delay > .zero ? .delayed : .ready
            case .buried: .buried
            case .expired: .expired
            }
        }
    }

    /// Moves jobs that have just left their leases to the states that the rules give.
    func move(_ jobs: [Moved]) async throws {
        guard !jobs.isEmpty else { return }
        var waiting: [Waiting] = []
        var burials: [Burial] = []
        var ended: [Ended] = []
        for job in jobs {
            if let failure = job.transition.failure { note(job.place.queue) { $0.add(failure.kind) } }
            switch job.transition.destination {
            case .done:
                ended.append(
                    Ended(
                        id: job.id, place: job.place, state: .done, attempts: job.held.attempts,
                        crashes: job.held.crashes))
            case .waiting(let delay, let attempts, let crashes, let isSuspect):
                waiting.append(
                    Waiting(
                        id: job.id, place: job.place, delay: max(0, delay.milliseconds), attempts: attempts,
                        crashes: crashes, suspect: isSuspect, holdsGroup: true))
            case .buried(let reason, let attempts, let crashes):
                burials.append(
                    Burial(
                        id: job.id, place: job.place, attempts: attempts, crashes: crashes, reason: reason,
                        latestError: job.transition.failure?.error))
            case .expired(let reason, let attempts, let crashes):
                ended.append(
                    Ended(
                        id: job.id, place: job.place, state: .expired, attempts: attempts, crashes: crashes,
                        reason: reason))
            }
        }
        let failed = jobs.filter { $0.transition.failure != nil }
        if !failed.isEmpty { _ = try await run(record(failed)) }
        try await makeWaiting(waiting)
        try await bury(burials)
        try await end(ended)
    }

    /// Keeps attempts that did not end well.
    private func record(_ jobs: [Moved]) -> [PostgresStatement] {
        let failures = jobs.compactMap { job in
            job.transition.failure.map { failure in
                let kept = JobFailure(
                    attempt: Int(job.held.attempts), at: now.wall, kind: failure.kind, error: failure.error,
                    worker: job.worker, diagnostics: job.diagnostics)
                return (job: job.id, failure: kept)
            }
        }
        return [
            Self.insert(failures),
            PostgresStatement(
                """
                DELETE FROM stint.failures f USING unnest($1::bigint[]) AS j (id)
                WHERE f.job_id = j.id AND f.id <= (
                    SELECT id FROM stint.failures l WHERE l.job_id = j.id ORDER BY id DESC OFFSET $2 LIMIT 1)
                """, [.ints(Set(jobs.map(\.id)).sorted()), .int(Self.failuresPerJob)]),
        ]
    }

    /// Adds failures to the histories of jobs.
    static func insert(_ failures: [(job: Int64, failure: JobFailure)]) -> PostgresStatement {
        let diagnostics = failures.map(\.failure.diagnostics)
        return PostgresStatement(
            """
            INSERT INTO stint.failures (at, job_id, attempt, kind, error, worker, exit_code, signal, peak_memory_bytes,
                                        run_time_ms, standard_error)
            SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[],
                                 $7::integer[], $8::text[], $9::bigint[], $10::bigint[], $11::text[])
            """,
            [
                .ints(failures.map(\.failure.atMilliseconds)), .ints(failures.map(\.job)),
                .int32s(failures.map { Int32(clamping: $0.failure.attempt) }),
                .texts(failures.map(\.failure.kind.rawValue)), .texts(failures.map(\.failure.error.storable)),
                .texts(failures.map { $0.failure.worker?.storable }), .int32s(diagnostics.map { $0?.exitCode }),
                .texts(diagnostics.map { $0?.signal?.storable }), .ints(diagnostics.map { $0?.peakMemoryBytes }),
                .ints(diagnostics.map { $0?.runTimeMilliseconds }),
                .texts(diagnostics.map { $0?.standardError?.storable }),
            ])
    }
}
