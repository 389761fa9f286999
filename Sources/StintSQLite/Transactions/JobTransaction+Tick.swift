import StintCore

extension JobTransaction {
    /// Limits of one call, so that a claim never waits long behind it.
    private static let schedulesPerTick: Int64 = 100
    static let jobsPerTick = 1_000
    /// How many ticks of a schedule are known by their jobs. Together with `ticked_until` they prevent a second job for
    /// a tick, also if the clock was set back.
    private static let ticksPerSchedule: Int64 = 1_000
    /// When a schedule that cannot tick is tried again, in milliseconds.
    private static let nextTry: Int64 = 60_000

    static let dueSchedules = """
        SELECT \(StoredSchedule.columns) FROM stint_schedules WHERE next_tick <= ?1
        UNION ALL
        SELECT \(StoredSchedule.columns) FROM stint_schedules
        WHERE next_tick IS NOT NULL AND next_tick > ?1 AND ticked_until > ?1 + \(DueTicks.setBack)
        LIMIT ?2
        """
    static let nextTick = "SELECT min(next_tick) FROM stint_schedules WHERE next_tick IS NOT NULL"

    /// Whether a tick would find anything. It only reads, so a schedule that is not due costs no write lock.
    func needsTick() throws -> Bool {
        try statement(Self.dueSchedules).first(now.wall, 1) { _ in true } == true
    }

    /// When the next tick is due, by the wall clock.
    func nextTick() throws -> Timestamp? {
        try statement(Self.nextTick).first { $0.optionalInt(0).map(StoredSchedule.sane) } ?? nil
    }

    func tickReport(_ ticks: Int = 0, _ problems: [String] = []) throws -> TickReport {
        let next = try nextTick()
        var report = TickReport(
            ticks: ticks, untilNext: next.map { .milliseconds(max(0, $0 - now.wall)) })
        report.problems = problems
        return report
    }

    func tick() throws -> TickReport {
        var (ticks, problems): (Int, [String]) = (0, [])
        let due = try statement(Self.dueSchedules).rows(now.wall, Self.schedulesPerTick, read: StoredSchedule.init)
        for stored in due where ticks < Self.jobsPerTick {
            do {
                let schedule = try stored.schedule(payload: try payload(of: stored))
                ticks += try tick(schedule, stored, limit: Self.jobsPerTick - ticks)
            } catch let error as StintError where error.code == .invalidInput {
                problems.append("the schedule \(quoted(stored.name)) cannot tick: \(error)")
                try statement("UPDATE stint_schedules SET next_tick = ?2, ticked_until = ?3 WHERE id = ?1")
                    .execute(stored.id, now.wall + Self.nextTry, min(stored.tickedUntil, now.wall))
            }
        }
        return try tickReport(ticks, problems)
    }

    /// Enqueues the jobs of one schedule's due ticks, and notes that this was done.
    func tick(_ schedule: Schedule, _ stored: StoredSchedule, limit: Int) throws -> Int {
        let due = DueTicks(
            of: schedule.recurrence, schedule.missed, tickedUntil: stored.tickedUntil, now: now.wall, limit: limit)
        var ticks = 0
        for tick in due.ticks where try !hasTicked(stored, at: tick) {
            let job = try enqueue([try schedule.job(at: tick)])[0].id
            try statement("INSERT INTO stint_schedule_ticks (schedule_id, tick_at, job_id) VALUES (?1, ?2, ?3)")
                .execute(stored.id, tick, job.rawValue)
            ticks += 1
        }
        if ticks > 0 { try forgetOldTicks(of: stored) }
        let update = try statement("UPDATE stint_schedules SET ticked_until = ?2, next_tick = ?3 WHERE id = ?1")
        update.bind(1, stored.id)
        update.bind(2, due.tickedUntil)
        update.bind(3, due.next)
        try update.execute()
        return ticks
    }

    private func hasTicked(_ schedule: StoredSchedule, at tick: Timestamp) throws -> Bool {
        try statement("SELECT 1 FROM stint_schedule_ticks WHERE schedule_id = ?1 AND tick_at = ?2")
            .first(schedule.id, tick) { _ in true } == true
    }

    private func forgetOldTicks(of schedule: StoredSchedule) throws {
        try statement(
            """
            DELETE FROM stint_schedule_ticks WHERE schedule_id = ?1 AND tick_at <= (
                SELECT tick_at FROM stint_schedule_ticks WHERE schedule_id = ?1
                ORDER BY tick_at DESC LIMIT 1 OFFSET ?2)
            """
        ).execute(schedule.id, Self.ticksPerSchedule)
    }
}
