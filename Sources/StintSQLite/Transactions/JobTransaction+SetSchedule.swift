import StintCore

extension JobTransaction {
    static let scheduleNamed = "SELECT \(StoredSchedule.columns) FROM stint_schedules WHERE name = ?1"

    func setSchedule(_ schedule: Schedule) throws -> ScheduleSetting {
        let contents = StoredSchedule.Contents(schedule)
        guard let next = schedule.recurrence.next(after: now.wall) else {
            throw StintError.neverTicks(schedule.recurrence)
        }
        guard let known = try stored(schedule.name) else {
            let count = try statement("SELECT count(*) FROM stint_schedules").first { $0.int(0) } ?? 0
            guard count < Schedule.maximumCount else { throw StintError.tooManySchedules }
            let insert = try statement(
                """
                INSERT INTO stint_schedules (
                    name, \(StoredSchedule.Contents.columns), payload, ticked_until, next_tick)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                        ?23, ?24, ?25)
                """)
            bind(insert, schedule, contents)
            insert.bind(24, now.wall)
            insert.bind(25, next)
            try execute(insert, schedule)
            return .added
        }
        if try isSame(known, contents, schedule) { return .unchanged }
        // With the same times it goes on, and makes up for what was missed; with others it begins.
        let goesOn = known.contents.timing == contents.timing
        if !goesOn { try tickLast(known) }
        let update = try statement(
            """
            UPDATE stint_schedules SET
                cron = ?2, time_zone = ?3, every_ms = ?4, every_from = ?5, missed = ?6, queue = ?7, priority = ?8,
                delay_ms = ?9, max_attempts = ?10, max_crashes = ?11, time_to_run_ms = ?12, unique_key = ?13,
                group_name = ?14, expires_ms = ?15, on_conflict = ?16, debounce_ms = ?17, at_most_ms = ?18,
                max_events = ?19, max_event_bytes = ?20, content_type = ?21, headers = ?22, payload = ?23,
                ticked_until = ?24, next_tick = ?25
            WHERE name = ?1
            """)
        bind(update, schedule, contents)
        update.bind(24, goesOn ? known.tickedUntil : now.wall)
        update.bind(25, known.isPaused ? nil : goesOn ? known.nextTick ?? next : next)
        try execute(update, schedule)
        return .replaced
    }

    /// Makes the jobs of what is due by the times that end now, so that no tick is lost in between.
    private func tickLast(_ known: StoredSchedule) throws {
        guard !known.isPaused, let next = known.nextTick, next <= now.wall else { return }
        do {
            _ = try tick(try known.schedule(payload: try payload(of: known)), known, limit: Self.jobsPerTick)
        } catch let error as StintError where error.code == .invalidInput {
            // It could not tick, and ends.
        }
    }

    /// Whether it is set already, with the same contents.
    func isSet(_ schedule: Schedule) throws -> Bool {
        guard let known = try stored(schedule.name) else { return false }
        return try isSame(known, StoredSchedule.Contents(schedule), schedule)
    }

    private func isSame(
        _ known: StoredSchedule, _ contents: StoredSchedule.Contents, _ schedule: Schedule
    ) throws -> Bool {
        try known.contents == contents && payload(of: known) == schedule.job.payload
    }

    private func bind(_ statement: Statement, _ schedule: Schedule, _ contents: StoredSchedule.Contents) {
        statement.bind(1, schedule.name)
        contents.bind(statement, from: 2)
    }

    private func execute(_ statement: Statement, _ schedule: Schedule) throws {
        try schedule.job.payload.withUnsafeBytes { bytes in
            statement.bind(23, uncopied: bytes)
            try statement.execute()
        }
    }

    func stored(_ name: String) throws -> StoredSchedule? {
        let select = try statement(Self.scheduleNamed)
        select.bind(1, name)
        return try select.first(read: StoredSchedule.init)
    }

    func payload(of schedule: StoredSchedule) throws -> [UInt8] {
        try statement("SELECT payload FROM stint_schedules WHERE id = ?1").first(schedule.id) { $0.bytes(0) } ?? []
    }
}
