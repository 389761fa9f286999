#if STINT_MUTATIONS
    import StintCore

    extension SQLiteStore {
        /// Ticks without the guard: a process that dies between the two transactions leaves jobs without notes, and two
        /// processes make two jobs of a tick.
        func tickInTwoTransactions() async throws -> TickReport {
            let made = try await write(weight: 1, diskFull: .refuse) { try $0.enqueueDueTicks() }
            return try await write(weight: 1, diskFull: .refuse) { try $0.note(made) }
        }
    }

    /// The jobs that were made of one schedule's ticks.
    struct UnnotedTicks: Sendable {
        let schedule: Int64
        let due: DueTicks
        let jobs: [Int64]
    }

    extension JobTransaction {
        func enqueueDueTicks() throws -> [UnnotedTicks] {
            try statement(Self.dueSchedules).rows(now.wall, 100, read: StoredSchedule.init).map { stored in
                let schedule = try stored.schedule(payload: try payload(of: stored))
                let due = DueTicks(
                    of: schedule.recurrence, schedule.missed, tickedUntil: stored.tickedUntil, now: now.wall, limit: 100
                )
                let jobs = try due.ticks.map { try enqueue([try schedule.job(at: $0)])[0].id.rawValue }
                return UnnotedTicks(schedule: stored.id, due: due, jobs: jobs)
            }
        }

        func note(_ made: [UnnotedTicks]) throws -> TickReport {
            for schedule in made {
                for (tick, job) in zip(schedule.due.ticks, schedule.jobs) {
                    try statement(
                        "INSERT OR IGNORE INTO stint_schedule_ticks (schedule_id, tick_at, job_id) VALUES (?1, ?2, ?3)"
                    ).execute(schedule.schedule, tick, job)
                }
                let update = try statement("UPDATE stint_schedules SET ticked_until = ?2, next_tick = ?3 WHERE id = ?1")
                update.bind(1, schedule.schedule)
                update.bind(2, schedule.due.tickedUntil)
                update.bind(3, schedule.due.next)
                try update.execute()
            }
            return try tickReport(made.reduce(0) { $0 + $1.jobs.count })
        }
    }
#endif
