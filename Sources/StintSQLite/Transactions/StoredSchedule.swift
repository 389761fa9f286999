import StintCore

/// A row of `stint_schedules`. Another program may have written it, so what it says is checked when it is used.
struct StoredSchedule {
    /// What a person sets, as it is stored. Text is compared by bytes.
    struct Contents: Hashable {
        var timing: Timing
        var missed: ByteText
        var queue: ByteText
        var priority: Int64
        var delay: Int64
        var maxAttempts: Int64
        var maxCrashes: Int64
        var timeToRun: Int64?
        var uniqueKey: ByteText?
        var group: ByteText?
        var expires: Int64?
        var onConflict: ByteText
        var debounce: Int64?
        var atMost: Int64?
        var maxEvents: Int64
        var maxEventBytes: Int64
        var contentType: ByteText
        var headers: ByteText?
    }

    struct Timing: Hashable {
        var cron: ByteText?
        var zone: ByteText?
        var interval: Int64?
        var origin: Int64?
    }

    let id: Int64
    let name: String
    let isPaused: Bool
    let tickedUntil: Timestamp
    let nextTick: Timestamp?
    let contents: Contents
    let payloadBytes: Int64

    static let columns = """
        id, name, paused, ticked_until, next_tick, cron, time_zone, every_ms, every_from, missed, queue, priority,
        delay_ms, max_attempts, max_crashes, time_to_run_ms, unique_key, group_name, expires_ms, on_conflict, debounce_ms,
        at_most_ms, max_events, max_event_bytes, content_type, headers, length(payload)
        """

    /// Reads a row with ``columns``.
    init(_ row: Statement.Row) {
        id = row.int(0)
        name = row.text(1)
        isPaused = row.int(2) != 0
        tickedUntil = Self.sane(row.int(3))
        nextTick = row.optionalInt(4).map(Self.sane)
        func text(_ column: Int32) -> ByteText? { row.optionalText(column).map(ByteText.init) }
        contents = Contents(
            timing: Timing(cron: text(5), zone: text(6), interval: row.optionalInt(7), origin: row.optionalInt(8)),
            missed: ByteText(row.text(9)), queue: ByteText(row.text(10)), priority: row.int(11), delay: row.int(12),
            maxAttempts: row.int(13), maxCrashes: row.int(14), timeToRun: row.optionalInt(15), uniqueKey: text(16),
            group: text(17), expires: row.optionalInt(18), onConflict: ByteText(row.text(19)),
            debounce: row.optionalInt(20), atMost: row.optionalInt(21), maxEvents: row.int(22),
            maxEventBytes: row.int(23), contentType: ByteText(row.text(24)), headers: text(25))
        payloadBytes = row.int(26)
    }

    /// Sums with it do not overflow.
    static func sane(_ time: Timestamp) -> Timestamp { min(max(time, -1 << 60), 1 << 60) }

    // MARK: - What it says

    /// - Throws: ``StintError`` with the code `invalidInput`, also if the system does not know its zone any more.
    func recurrence() throws -> Schedule.Recurrence {
        let timing = contents.timing
        if let cron = timing.cron {
            guard let zone = timing.zone else { throw StintError(.invalidInput, "its time zone is missing") }
            return try Schedule.Recurrence(stored: .cron(try CronExpression(cron.text), zone: zone.text))
        }
        return try Schedule.Recurrence(stored: .every(interval: timing.interval ?? 0, origin: timing.origin ?? 0))
    }

    func missed() throws -> MissedTicks {
        guard let missed = MissedTicks(rawValue: contents.missed.text) else {
            throw StintError(
                .invalidInput, "its missed ticks are \(quoted(contents.missed.text)): it must be skip, once or all")
        }
        return missed
    }

    private func checkConflict() throws {
        guard ConflictPolicy(rawValue: contents.onConflict.text) == nil else { return }
        throw StintError(
            .invalidInput,
            "what it does on a conflict is \(quoted(contents.onConflict.text)): it must be keep, replace or collect")
    }

    /// - Throws: ``StintError`` with the code `invalidInput`.
    func schedule(payload: [UInt8]) throws -> Schedule {
        try checkConflict()
        let job = try NewJob(
            payload, in: try QueueName(contents.queue.text), contentType: contents.contentType.text,
            options: options(headers: try Headers(storedText: contents.headers?.text)))
        return try Schedule(name, try recurrence(), missed: try missed(), job: job)
    }

    private func options(headers: Headers) -> JobOptions {
        JobOptions(
            priority: UInt32(clamping: contents.priority), delay: .milliseconds(contents.delay),
            maxAttempts: Int(contents.maxAttempts), maxCrashes: Int(contents.maxCrashes),
            timeToRun: contents.timeToRun.map { .milliseconds($0) }, headers: headers,
            uniqueKey: contents.uniqueKey?.text, group: contents.group?.text,
            expires: contents.expires.map { .milliseconds($0) },
            onConflict: ConflictPolicy(rawValue: contents.onConflict.text) ?? .keep,
            debounce: contents.debounce.map { .milliseconds($0) }, atMost: contents.atMost.map { .milliseconds($0) },
            maxEvents: Int(contents.maxEvents), maxEventBytes: Int(contents.maxEventBytes))
    }

    /// - Parameter ticks: The latest ticks, newest first.
    func record(_ ticks: [ScheduleTick]) -> ScheduleRecord {
        var recurrence: Schedule.Recurrence?
        var problem: String?
        do {
            recurrence = try self.recurrence()
            _ = try schedule(payload: [])
            guard payloadBytes <= NewJob.maximumPayloadBytes else {
                throw StintError.invalidInput(
                    "its payload has \(payloadBytes) bytes; at most \(NewJob.maximumPayloadBytes) are allowed")
            }
        } catch {
            problem = "\(error)"
        }
        return ScheduleRecord(
            name: name, recurrence: recurrence, problem: problem,
            missed: MissedTicks(rawValue: contents.missed.text) ?? .once, isPaused: isPaused,
            queue: QueueName(stored: contents.queue.text),
            options: options(headers: Headers(readable: contents.headers?.text)),
            contentType: contents.contentType.text, payloadBytes: Int(payloadBytes), lastTicks: ticks,
            nextTick: nextTick)
    }
}

extension StoredSchedule.Contents {
    init(_ schedule: Schedule) {
        let options = schedule.job.options
        self.init(
            timing: StoredSchedule.Timing(schedule.recurrence), missed: ByteText(schedule.missed.rawValue),
            queue: ByteText(schedule.job.queue.description), priority: Int64(options.priority),
            delay: options.delay.milliseconds, maxAttempts: Int64(options.maxAttempts),
            maxCrashes: Int64(options.maxCrashes), timeToRun: options.timeToRun?.milliseconds,
            uniqueKey: options.uniqueKey.map(ByteText.init), group: options.group.map(ByteText.init),
            expires: options.expires?.milliseconds, onConflict: ByteText(options.onConflict.rawValue),
            debounce: options.debounce?.milliseconds, atMost: options.atMost?.milliseconds,
            maxEvents: Int64(options.maxEvents), maxEventBytes: Int64(options.maxEventBytes),
            contentType: ByteText(schedule.job.contentType),
            headers: options.headers.storedText.map(ByteText.init))
    }

    /// From the parameter `first` on, in the order of the columns from `cron` to `headers`.
    func bind(_ statement: Statement, from first: Int32) {
        let texts: [Int32: ByteText?] = [
            0: timing.cron, 1: timing.zone, 4: missed, 5: queue, 11: uniqueKey, 12: group, 14: onConflict,
            19: contentType, 20: headers,
        ]
        let numbers: [Int32: Int64?] = [
            2: timing.interval, 3: timing.origin, 6: priority, 7: delay, 8: maxAttempts, 9: maxCrashes, 10: timeToRun,
            13: expires, 15: debounce, 16: atMost, 17: maxEvents, 18: maxEventBytes,
        ]
        for (column, value) in texts { statement.bind(first + column, value?.text) }
        for (column, value) in numbers { statement.bind(first + column, value) }
    }
}

extension StoredSchedule.Timing {
    init(_ recurrence: Schedule.Recurrence) {
        switch recurrence.kind {
        case .cron(let expression, let zone):
            self.init(cron: ByteText(expression.description), zone: ByteText(zone))
        case .every(let interval, let origin): self.init(interval: interval, origin: origin)
        }
    }
}
