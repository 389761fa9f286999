/// A schedule as stores keep it. Another program may have written it, so what it says is checked when it is used.
package struct StoredSchedule: Sendable {
    /// What a person sets, as it is stored. Text is compared by bytes.
    package struct Contents: Hashable, Sendable {
        package var timing: Timing
        package var missed: ByteText
        package var queue: ByteText
        package var priority: Int64
        package var delay: Int64
        package var maxAttempts: Int64
        package var maxCrashes: Int64
        package var timeToRun: Int64?
        package var uniqueKey: ByteText?
        package var group: ByteText?
        package var expires: Int64?
        package var onConflict: ByteText
        package var debounce: Int64?
        package var atMost: Int64?
        package var maxEvents: Int64
        package var maxEventBytes: Int64
        package var contentType: ByteText
        package var headers: ByteText?
    }

    package struct Timing: Hashable, Sendable {
        package var cron: ByteText?
        package var zone: ByteText?
        package var interval: Int64?
        package var origin: Int64?
    }

    package let id: Int64
    package let name: String
    package let isPaused: Bool
    package let tickedUntil: Timestamp
    package let nextTick: Timestamp?
    package let contents: Contents
    package let payloadBytes: Int64

    package init(
        id: Int64, name: String, isPaused: Bool, tickedUntil: Timestamp, nextTick: Timestamp?, contents: Contents,
        payloadBytes: Int64
    ) {
        self.id = id
        self.name = name
        self.isPaused = isPaused
        self.tickedUntil = Self.sane(tickedUntil)
        self.nextTick = nextTick.map(Self.sane)
        self.contents = contents
        self.payloadBytes = payloadBytes
    }

    /// Sums with it do not overflow.
    package static func sane(_ time: Timestamp) -> Timestamp { min(max(time, -1 << 60), 1 << 60) }

    // MARK: - What it says

    /// - Throws: ``StintError`` with the code `invalidInput`, also if the system does not know its zone any more.
    package func recurrence() throws -> Schedule.Recurrence {
        let timing = contents.timing
        if let cron = timing.cron {
            guard let zone = timing.zone else { throw StintError(.invalidInput, "its time zone is missing") }
            return try Schedule.Recurrence(stored: .cron(try CronExpression(cron.text), zone: zone.text))
        }
        return try Schedule.Recurrence(stored: .every(interval: timing.interval ?? 0, origin: timing.origin ?? 0))
    }

    package func missed() throws -> MissedTicks {
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
    package func schedule(payload: [UInt8]) throws -> Schedule {
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
    package func record(_ ticks: [ScheduleTick]) -> ScheduleRecord {
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
    /// As every store has them.
    package static let columns = """
        cron, time_zone, every_ms, every_from, missed, queue, priority, delay_ms, max_attempts, max_crashes,
        time_to_run_ms, unique_key, group_name, expires_ms, on_conflict, debounce_ms, at_most_ms, max_events,
        max_event_bytes, content_type, headers
        """

    /// - Parameters:
    ///   - text: The text of a column, counted from the first of ``columns``.
    ///   - number: The same of a number.
    package init(text: (Int) throws -> ByteText?, number: (Int) throws -> Int64?) rethrows {
        let none = ByteText("")
        timing = StoredSchedule.Timing(
            cron: try text(0), zone: try text(1), interval: try number(2), origin: try number(3))
        (missed, queue) = (try text(4) ?? none, try text(5) ?? none)
        (priority, delay) = (try number(6) ?? 0, try number(7) ?? 0)
        (maxAttempts, maxCrashes, timeToRun) = (try number(8) ?? 0, try number(9) ?? 0, try number(10))
        (uniqueKey, group, expires) = (try text(11), try text(12), try number(13))
        (onConflict, debounce, atMost) = (try text(14) ?? none, try number(15), try number(16))
        (maxEvents, maxEventBytes) = (try number(17) ?? 0, try number(18) ?? 0)
        (contentType, headers) = (try text(19) ?? none, try text(20))
    }

    package enum Value: Sendable {
        case text(ByteText?)
        case number(Int64?)
    }

    /// In the order of ``columns``.
    package var values: [Value] {
        [
            .text(timing.cron), .text(timing.zone), .number(timing.interval), .number(timing.origin), .text(missed),
            .text(queue), .number(priority), .number(delay), .number(maxAttempts), .number(maxCrashes),
            .number(timeToRun), .text(uniqueKey), .text(group), .number(expires), .text(onConflict),
            .number(debounce), .number(atMost), .number(maxEvents), .number(maxEventBytes), .text(contentType),
            .text(headers),
        ]
    }

    package init(_ schedule: Schedule) {
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
}

extension StoredSchedule.Timing {
    package init(_ recurrence: Schedule.Recurrence) {
        switch recurrence.kind {
        case .cron(let expression, let zone):
            self.init(cron: ByteText(expression.description), zone: ByteText(zone))
        case .every(let interval, let origin): self.init(interval: interval, origin: origin)
        }
    }
}
