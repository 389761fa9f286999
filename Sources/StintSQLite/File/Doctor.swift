import GRDB
import GRDBSQLite
import StintCore
import StintPlatform

extension SQLiteStore {
    /// Checks SQLite, the file and the kept counts. It reads the whole database once.
    public func examine() async throws -> [Finding] {
        let hasWorker = try await workers().contains { $0.liveness == .alive }
        return try await onOwnConnection("doctor") { database in
            var findings: [Finding] = []
            try database.inTransaction(.deferred) {
                let transaction = JobTransaction(database, SystemClock())
                findings = [self.version(), try self.soundness(database), try self.size(database)]
                findings.append(try self.states(transaction))
                findings += try self.counts(transaction)
                findings += try self.errorCounts(transaction)
                findings += try transaction.limitFindings()
                findings += try transaction.searchFindings()
                findings += Finding.schedules(
                    try transaction.schedules(), at: transaction.now.wall, hasWorker: hasWorker)
                findings += try transaction.webhookFindings()
                findings += try transaction.moves().map {
                    Finding.move($0.state, $0.direction, notes: try transaction.countNotes())
                }
                return .commit
            }
            return findings
        }
    }

    private func version() -> Finding {
        let text =
            Checkpointer.libraryHasResetBug
            ? "has the WAL-reset bug (sqlite.org/wal.html, section 11); Stint avoids it by taking the write lock for its "
                + "checkpoints, and other programs that write this file must set wal_autocheckpoint = 0"
            : "without the WAL-reset bug"
        return Finding(subject: "SQLite \(String(cString: sqlite3_libversion()))", isGood: true, description: text)
    }

    private func soundness(_ database: Database) throws -> Finding {
        let answer = try String.fetchAll(database, sql: "PRAGMA quick_check(5)")
        let isGood = answer == ["ok"]
        return Finding(
            subject: "file", isGood: isGood,
            description: isGood
                ? "sound, \(path)"
                : "corrupt: \(answer.joined(separator: "; ")); put a backup in its place with `stint restore`, or rescue "
                    + "what can be read with `sqlite3 FILE .dump`"
        )
    }

    private func size(_ database: Database) throws -> Finding {
        let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
        let free = try Int.fetchOne(database, sql: "PRAGMA freelist_count") ?? 0
        return Finding(
            subject: "size", isGood: true,
            description: "\(pages) pages, \(free) of them free and used again by coming jobs")
    }

    /// Checks that every job is in one state, and that every row of a state has its job.
    private func states(_ transaction: JobTransaction) throws -> Finding {
        // It looks up one job after the other, with no list of all jobs in memory. stint_ready is looked up by its key.
        // The few rows that another program has given another key are listed once.
        let isInState = JobState.allCases.map { state in
            switch state {
            case .ready:
                """
                (j.id IN (SELECT id FROM astray))
                    + EXISTS (SELECT 1 FROM stint_ready r
                              WHERE r.queue_id = j.queue_id AND r.priority = j.priority AND r.job_id = j.id)
                """
            case .delayed, .leased, .buried, .done, .cancelled, .expired:
                "EXISTS (SELECT 1 FROM \(state.table) WHERE job_id = j.id)"
            }
        }
        let inAnyState = JobState.allCases.map { "SELECT job_id FROM \($0.table)" }
        let jobs = try transaction.statement(
            """
            WITH astray (id) AS (
                SELECT r.job_id FROM stint_ready r JOIN stint_jobs j ON j.id = r.job_id
                WHERE (j.queue_id, j.priority) <> (r.queue_id, r.priority)
            ), count (id, states) AS (
                SELECT j.id, \(isInState.joined(separator: " + "))
                FROM stint_jobs j
            ), state (id) AS (
                \(inAnyState.joined(separator: " UNION ALL "))
            )
            SELECT id, CASE states WHEN 0 THEN 'in no state' ELSE 'in ' || states || ' states' END
            FROM count WHERE states <> NOT EXISTS (SELECT 1 FROM stint_deleted WHERE job_id = count.id)
            UNION ALL SELECT id, 'without the job itself' FROM state
                WHERE NOT EXISTS (SELECT 1 FROM stint_jobs j WHERE j.id = state.id)
            UNION ALL SELECT job_id, 'deleted, without the job itself' FROM stint_deleted d
                WHERE NOT EXISTS (SELECT 1 FROM stint_jobs j WHERE j.id = d.job_id)
            UNION ALL SELECT job_id, 'leased without a lease' FROM stint_leased d
                WHERE NOT EXISTS (SELECT 1 FROM stint_leases l WHERE l.token = d.token)
            LIMIT \(Finding.namedStrays + 1)
            """
        ).rows { "\($0.int(0)) (\($0.text(1)))" }
        return Finding.states(jobs, remedy: "put a backup in its place with `stint restore`")
    }

    /// Compares the kept counts with the tables.
    private func counts(_ transaction: JobTransaction) throws -> [Finding] {
        let states = JobState.allCases.filter { !$0.isOver }  // those are counted also if they were deleted
        let found = states.map { state in
            switch state {
            case .leased: "coalesce(l.jobs, 0)"
            case .ready, .delayed, .buried, .done, .cancelled, .expired:
                "(SELECT count(*) FROM \(state.table) WHERE queue_id = q.id)"
            }
        }
        let kept = states.map { "q.\($0.rawValue)" }
        let counted = try transaction.statement(
            """
            SELECT q.name, \((found + kept).joined(separator: ", "))
            FROM stint_queues q
            LEFT JOIN (SELECT l.queue_id, count(*) AS jobs FROM stint_leased d JOIN stint_leases l ON l.token = d.token
                       GROUP BY l.queue_id) l ON l.queue_id = q.id
            ORDER BY q.name
            """
        ).rows { row in
            let figures = (1...2 * Int32(states.count)).map { row.int($0) }
            return (row.text(0), Array(figures.prefix(states.count)), Array(figures.suffix(states.count)))
        }
        let wrong = counted.filter { $0.1 != $0.2 }
        guard !wrong.isEmpty else {
            return [
                Finding(
                    subject: "counts", isGood: true, description: "of \(counted.count) queues agree with the tables")
            ]
        }
        let names = states.map(\.rawValue).joined(separator: ", ")
        return wrong.map { name, found, kept in
            Finding(
                subject: "counts", isGood: false,
                description:
                    "of \(quoted(name)) (\(names)) are kept as \(kept) and found as \(found): "
                    + "another program changed the tables; no job is lost, the figures are wrong")
        }
    }

    /// Compares the kept counts of like errors with the buried jobs.
    private func errorCounts(_ transaction: JobTransaction) throws -> [Finding] {
        let wrong =
            try transaction.statement(
                """
                WITH found (error_group, queue_id, buried) AS (
                    SELECT error_group, queue_id, count(*) FROM stint_buried WHERE error_group IS NOT NULL
                    GROUP BY error_group, queue_id
                    UNION ALL
                    SELECT error_group, 0, count(*) FROM stint_buried WHERE error_group IS NOT NULL GROUP BY error_group
                )
                SELECT count(*) FROM (
                    SELECT error_group, queue_id FROM (
                        SELECT * FROM found UNION ALL SELECT error_group, queue_id, -buried FROM stint_error_groups)
                    GROUP BY error_group, queue_id HAVING sum(buried) <> 0)
                """
            ).first { $0.int(0) } ?? 0
        guard wrong > 0 else { return [] }
        return [
            Finding(
                subject: "errors", isGood: false,
                description:
                    "\(wrong) kept numbers of jobs with like errors differ from the tables: another program changed "
                    + "the tables; no job is lost, the figures are wrong")
        ]
    }
}
