import StintCore

/// Schedules, and the ticks that make their jobs.
extension JobTransaction {
    func schedules() async throws -> [ScheduleRecord] {
        let stored = try await run("SELECT \(StoredSchedule.columns) FROM stint.schedules ORDER BY name")
            .map { try StoredSchedule($0) }
        let ticks = try await lastTicks(of: stored)
        return stored.map { $0.record(ticks[$0.id] ?? []) }
    }

    func schedule(_ name: String) async throws -> ScheduleDetails? {
        guard let stored = try await stored(name) else { return nil }
        let ticks = try await lastTicks(of: [stored])
        return ScheduleDetails(record: stored.record(ticks[stored.id] ?? []), payload: try await payload(of: stored))
    }

    private func lastTicks(of schedules: [StoredSchedule]) async throws -> [Int64: [ScheduleTick]] {
        let rows = try await run(
            """
            SELECT s.id, t.tick_at, t.job_id FROM unnest($1::bigint[]) AS s (id) CROSS JOIN LATERAL (
                SELECT tick_at, job_id FROM stint.schedule_ticks WHERE schedule_id = s.id
                ORDER BY tick_at DESC LIMIT \(ScheduleRecord.shownTicks)) t
            ORDER BY s.id, t.tick_at DESC
            """, .ints(schedules.map(\.id)))
        var ticks: [Int64: [ScheduleTick]] = [:]
        for row in rows {
            ticks[try row.int(0), default: []].append(
                ScheduleTick(try row.int(1), job: JobID(rawValue: try row.int(2))))
        }
        return ticks
    }

    func stored(_ name: String, isLocked: Bool = false) async throws -> StoredSchedule? {
        try await run(
            "SELECT \(StoredSchedule.columns) FROM stint.schedules WHERE name = $1\(isLocked ? " FOR UPDATE" : "")",
            .text(name)
        ).first.map { try StoredSchedule($0) }
    }

    private func payload(of schedule: StoredSchedule) async throws -> [UInt8] {
        try await run("SELECT payload FROM stint.schedules WHERE id = $1", .int(schedule.id)).first?.bytes(0) ?? []
    }

    // MARK: - Setting

    /// No queue has this number.
    private static let schedulesLock: Int64 = -2

    /// Whether it is set already, with the same contents.
    func isSet(_ schedule: Schedule) async throws -> Bool {
        guard let known = try await stored(schedule.name) else { return false }
        return try await isSame(known, StoredSchedule.Contents(schedule), schedule)
    }

    private func isSame(
        _ known: StoredSchedule, _ contents: StoredSchedule.Contents, _ schedule: Schedule
    ) async throws -> Bool {
        guard known.contents == contents else { return false }
        return try await payload(of: known) == schedule.job.payload
    }

    func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting {
        let contents = StoredSchedule.Contents(schedule)
        guard let next = schedule.recurrence.next(after: now.wall) else {
            throw StintError.neverTicks(schedule.recurrence)
        }
        // So that the number of them is exact, and two that set the same one follow one another.
        try await lock([Self.schedulesLock], exclusively: true)
        guard let known = try await stored(schedule.name, isLocked: true) else {
            let count = try await run("SELECT count(*) FROM stint.schedules").first?.int(0) ?? 0
            guard count < Schedule.maximumCount else { throw StintError.tooManySchedules }
            try await write(schedule, contents, now.wall, next, known: nil)
            return .added
        }
        if try await isSame(known, contents, schedule) { return .unchanged }
        // With the same times it goes on, and makes up for what was missed; with others it begins.
        let goesOn = known.contents.timing == contents.timing
        if !goesOn { try await tickLast(known) }
        try await write(
            schedule, contents, goesOn ? known.tickedUntil : now.wall,
            known.isPaused ? nil : goesOn ? known.nextTick ?? next : next, known: known.id)
        return .replaced
    }

    private func write(
        _ schedule: Schedule, _ contents: StoredSchedule.Contents, _ tickedUntil: Timestamp, _ next: Timestamp?,
        known: Int64?
    ) async throws {
        change.changesSchedules = true
        let columns = "\(StoredSchedule.Contents.columns), payload, ticked_until, next_tick"
        var parameters: [PostgresValue] = contents.values.map { value in
            switch value {
            case .text(let text): .text(text?.text.storable)
            case .number(let number): .int(number)
            }
        }
        parameters += [.bytes(schedule.job.payload), .int(tickedUntil), .int(next), .text(schedule.name)]
        if let known { parameters.append(.int(known)) }
        let numbers = (1..<parameters.count).map { "$\($0)" }
        // The numbers of columns with a smaller type are in its range: they were checked when the job was made.
        let sql =
            known == nil
            ? "INSERT INTO stint.schedules (\(columns), name) VALUES (\((numbers + ["$\(parameters.count)"]).joined(separator: ", ")))"
            : """
            UPDATE stint.schedules SET (\(columns), name) = ROW (\(numbers.joined(separator: ", ")))
            WHERE id = $\(parameters.count)
            """
        _ = try await run([PostgresStatement(sql, parameters)])
    }

    /// Makes the jobs of what is due by the times that end now, so that no tick is lost in between.
    private func tickLast(_ known: StoredSchedule) async throws {
        guard !known.isPaused, let next = known.nextTick, next <= now.wall else { return }
        let schedule: Schedule
        do {
            schedule = try known.schedule(payload: try await payload(of: known))
        } catch let error as StintError where error.code == .invalidInput {
            // It could not tick, and ends.
            return
        }
        _ = try await tick(schedule, known, limit: Self.jobsPerTick)
    }

    // MARK: - Changing

    func changeSchedule(_ name: String, _ change: ScheduleChange) async throws {
        guard let schedule = try await stored(name, isLocked: true) else { throw StintError.noSchedule(name) }
        self.change.changesSchedules = true
        switch change {
        case .pause:
            try await run(
                "UPDATE stint.schedules SET paused = true, next_tick = NULL WHERE id = $1", .int(schedule.id))
        case .resume:
            guard schedule.isPaused else { return }
            // One that cannot tick is tried again, and says why.
            let next: Timestamp?
            do { next = try schedule.recurrence().next(after: now.wall) } catch { next = now.wall }
            try await run(
                "UPDATE stint.schedules SET paused = false, ticked_until = $2, next_tick = $3 WHERE id = $1",
                .int(schedule.id), .int(now.wall), .int(next))
        case .delete:
            _ = try await run([
                PostgresStatement("DELETE FROM stint.schedules WHERE id = $1", [.int(schedule.id)]),
                PostgresStatement("DELETE FROM stint.schedule_ticks WHERE schedule_id = $1", [.int(schedule.id)]),
            ])
        }
    }

    func runSchedule(_ name: String) async throws -> Enqueued {
        try await refuseWhileMoved()
        guard let stored = try await stored(name) else { throw StintError.noSchedule(name) }
        return try await enqueue([stored.schedule(payload: try await payload(of: stored)).job(at: nil)])[0]
    }

    // MARK: - Ticks

    /// Limits of one call, so that others never wait long behind it.
    private static let schedulesPerTick: Int64 = 100
    private static let jobsPerTick = 1_000
    /// How many ticks of a schedule are known by their jobs. Together with `ticked_until` they prevent a second job for
    /// a tick, also if the clock was set back.
    private static let ticksPerSchedule: Int64 = 1_000
    /// When a schedule that cannot tick is tried again, in milliseconds.
    private static let nextTry: Int64 = 60_000

    /// The last ones are of a clock that was set back since.
    private static let dueSchedules = """
        SELECT id FROM stint.schedules WHERE next_tick <= $1
        UNION ALL
        SELECT id FROM stint.schedules
        WHERE next_tick IS NOT NULL AND next_tick > $1 AND ticked_until > $1 + \(DueTicks.setBack)
        LIMIT $2::bigint
        """

    /// Whether a tick would find anything. It only reads.
    func needsTick() async throws -> Bool {
        try await !run(Self.dueSchedules, .int(now.wall), .int(1)).isEmpty
    }

    func tickReport(_ ticks: Int = 0, _ problems: [String] = []) async throws -> TickReport {
        let next = try await run(
            "SELECT next_tick FROM stint.schedules WHERE next_tick IS NOT NULL ORDER BY next_tick LIMIT 1"
        ).first.map { StoredSchedule.sane(try $0.int(0)) }
        var report = TickReport(ticks: ticks, untilNext: next.map { .milliseconds(max(0, $0 - now.wall)) })
        report.problems = problems
        return report
    }

    /// Others tick at the same time: each schedule is locked, and looked at as it then is.
    func tick() async throws -> TickReport {
        let due = try await run(Self.dueSchedules, .int(now.wall), .int(Self.schedulesPerTick)).map { try $0.int(0) }
        let schedules = try await run(
            "SELECT \(StoredSchedule.columns) FROM stint.schedules WHERE id = ANY ($1) ORDER BY id FOR UPDATE",
            .ints(due)
        ).map { try StoredSchedule($0) }
        var (ticks, problems): (Int, [String]) = (0, [])
        for stored in schedules where ticks < Self.jobsPerTick && stored.nextTick != nil {
            do {
                let schedule = try stored.schedule(payload: try await payload(of: stored))
                ticks += try await tick(schedule, stored, limit: Self.jobsPerTick - ticks)
            } catch let error as StintError where error.code == .invalidInput {
                problems.append("the schedule \(quoted(stored.name)) cannot tick: \(error)")
                change.changesSchedules = true
                try await run(
                    "UPDATE stint.schedules SET next_tick = $2, ticked_until = $3 WHERE id = $1", .int(stored.id),
                    .int(now.wall + Self.nextTry), .int(min(stored.tickedUntil, now.wall)))
            }
        }
        return try await tickReport(ticks, problems)
    }

    /// Enqueues the jobs of one schedule's due ticks, and notes that this was done. The schedule is locked.
    private func tick(_ schedule: Schedule, _ stored: StoredSchedule, limit: Int) async throws -> Int {
        let due = DueTicks(
            of: schedule.recurrence, schedule.missed, tickedUntil: stored.tickedUntil, now: now.wall, limit: limit)
        let known = Set(
            try await run(
                "SELECT tick_at FROM stint.schedule_ticks WHERE schedule_id = $1 AND tick_at = ANY ($2)",
                .int(stored.id), .ints(due.ticks)
            ).map { try $0.int(0) })
        let ticks = due.ticks.filter { !known.contains($0) }
        if !ticks.isEmpty {
            let jobs = try await enqueue(try ticks.map { try schedule.job(at: $0) })
            _ = try await run([
                PostgresStatement(
                    """
                    INSERT INTO stint.schedule_ticks (schedule_id, tick_at, job_id)
                    SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])
                    """, [.int(stored.id), .ints(ticks), .ints(jobs.map(\.id.rawValue))]),
                PostgresStatement(
                    """
                    DELETE FROM stint.schedule_ticks WHERE schedule_id = $1 AND tick_at <= (
                        SELECT tick_at FROM stint.schedule_ticks WHERE schedule_id = $1
                        ORDER BY tick_at DESC OFFSET $2 LIMIT 1)
                    """, [.int(stored.id), .int(Self.ticksPerSchedule)]),
            ])
        }
        change.changesSchedules = true
        try await run(
            "UPDATE stint.schedules SET ticked_until = $2, next_tick = $3 WHERE id = $1", .int(stored.id),
            .int(due.tickedUntil), .int(due.next))
        return ticks.count
    }
}

extension StoredSchedule {
    fileprivate static let columns = """
        id, name, paused, ticked_until, next_tick, octet_length(payload), \(Contents.columns)
        """

    /// Reads a row with ``columns``.
    fileprivate init(_ row: PostgresRow) throws {
        let contents = try Contents { column in
            try row.optionalText(column + 6).map(ByteText.init)
        } number: { column in
            try row.optionalInt(column + 6)
        }
        self.init(
            id: try row.int(0), name: try row.text(1), isPaused: try row.bool(2), tickedUntil: try row.int(3),
            nextTick: try row.optionalInt(4), contents: contents, payloadBytes: try row.int(5))
    }
}
