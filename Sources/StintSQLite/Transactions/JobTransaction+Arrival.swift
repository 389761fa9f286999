import StintCore

/// The database to which the jobs go; see ``MovableStore``.
extension JobTransaction {
    func beginArrival(_ move: MoveID, from source: String, _ name: String) throws {
        for row in try moves() {
            if row.state.phase == .arriving && row.state.move == move { return try setRun(move, .in) }
            throw StintError.otherMove(name, row.state)
        }
        let isUsed = try ["stint_jobs", "stint_schedules", "stint_webhooks"].contains { table in
            try statement("SELECT 1 FROM \(table) LIMIT 1").first { _ in true } != nil
        }
        guard !isUsed else { throw StintError.notEmpty(name) }
        try add(move, .in, .arriving, peer: source)
        try database.execute(
            sql: """
                CREATE TRIGGER stint_arriving INSTEAD OF INSERT ON stint_enqueue
                BEGIN SELECT RAISE(ABORT, 'stint: jobs arrive here from another database: wait until that move has ended'); END
                """)
    }

    func replaceJobs(_ ids: [JobID], with jobs: [StoredJob]) throws {
        try remove(ids)
        for job in jobs {
            let queue = try queueID(job.record.queue)
            if let key = job.record.uniqueKey, !job.record.state.isOver, let holder = try holder(of: key, in: queue) {
                try remove([holder])
            }
        }
        _ = try importJobs(jobs)
    }

    /// Removes jobs as if they had never been here. Those that are not are left out.
    func remove(_ ids: [JobID]) throws {
        for id in ids {
            do {
                let job = try locate(id)
                try leave(job)
                count(
                    job.place.queue, done: job.state == .done ? -1 : 0, cancelled: job.state == .cancelled ? -1 : 0,
                    expired: job.state == .expired ? -1 : 0)
                try forget(job.id)
            } catch let error as StintError where error.code == .notFound {}
        }
    }

    func add(_ keys: [IdempotencyKeyRecord]) throws {
        for key in keys {
            let insert = try statement(
                """
                INSERT OR REPLACE INTO stint_idempotency_keys (queue_id, key, job_id, enqueued_at) VALUES (?1, ?2, ?3, ?4)
                """)
            insert.bind(1, try queueID(key.queue))
            insert.bind(2, key.key)
            insert.bind(3, key.job.rawValue)
            insert.bind(4, key.enqueuedAt)
            try insert.execute()
        }
    }

    func raiseTokens(above token: FencingToken) throws {
        guard try greatestToken() < token else { return }
        let update = try statement("UPDATE sqlite_sequence SET seq = ?1 WHERE name = 'stint_leases'")
        if try update.changes(token.rawValue) == 0 {
            try statement("INSERT INTO sqlite_sequence (name, seq) VALUES ('stint_leases', ?1)").execute(token.rawValue)
        }
    }

    func endArrival(_ move: MoveID, _ name: String) throws {
        guard let row = try self.move(.in), row.state.move == move else {
            throw StintError.invalidInput("\(name) is not the one to which this move goes")
        }
        try set(.arrived, .in)
        try database.execute(sql: "DROP TRIGGER IF EXISTS stint_arriving")
        wakesWorkers = true
    }

    func enqueueForwarded(_ jobs: [ForwardedJob], of move: MoveID) throws {
        for job in jobs {
            let insert = try statement("INSERT OR IGNORE INTO stint_forwarded (move_id, job_id) VALUES (?1, ?2)")
            insert.bind(1, move.description)
            insert.bind(2, job.id.rawValue)
            try insert.execute()
            if database.changesCount > 0 { _ = try enqueue(job.jobs) }
        }
    }

    func setScheduleTicks(_ ticks: [ScheduleTicks]) throws {
        for schedule in ticks {
            let update = try statement(
                """
                UPDATE stint_schedules SET ticked_until = ?2, next_tick = ?3 WHERE name = ?1 AND next_tick IS NOT NULL
                """)
            update.bind(1, schedule.name)
            update.bind(2, schedule.until)
            update.bind(3, schedule.next)
            try update.execute()
        }
    }
}
