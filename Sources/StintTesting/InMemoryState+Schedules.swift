import StintCore

extension InMemoryState {
    /// The most ticks of one call, and how many are known of a schedule.
    static let ticksPerCall = 1_000

    struct KeptSchedule: Sendable {
        var schedule: Schedule
        var isPaused = false
        var tickedUntil: Timestamp
        var next: Timestamp?
        /// Oldest first.
        var ticks: [ScheduleTick] = []

        var record: ScheduleRecord {
            ScheduleRecord(
                name: schedule.name, recurrence: schedule.recurrence, problem: nil, missed: schedule.missed,
                isPaused: isPaused, queue: schedule.job.queue, options: schedule.job.options,
                contentType: schedule.job.contentType, payloadBytes: schedule.job.payload.count,
                lastTicks: Array(ticks.suffix(ScheduleRecord.shownTicks).reversed()), nextTick: next)
        }
    }

    mutating func setSchedule(_ schedule: Schedule, _ now: StoreTime) throws -> ScheduleSetting {
        guard let next = schedule.recurrence.next(after: now.wall) else {
            throw StintError.neverTicks(schedule.recurrence)
        }
        let name = Array(schedule.name.utf8)
        guard var known = schedules[name] else {
            guard schedules.count < Schedule.maximumCount else { throw StintError.tooManySchedules }
            schedules[name] = KeptSchedule(schedule: schedule, tickedUntil: now.wall, next: next)
            return .added
        }
        let goesOn = known.schedule.recurrence == schedule.recurrence
        if goesOn && known.schedule.missed == schedule.missed && known.schedule.job.equals(schedule.job) {
            return .unchanged
        }
        // What is due by the times that end now comes still.
        if !goesOn, let due = known.next, due <= now.wall {
            _ = try tick(&known, now, limit: Self.ticksPerCall)
        }
        known.schedule = schedule
        if !goesOn {
            known.tickedUntil = now.wall
            known.next = known.isPaused ? nil : next
        }
        schedules[name] = known
        return .replaced
    }

    mutating func changeSchedule(_ name: String, _ change: ScheduleChange, _ now: StoreTime) throws {
        guard var known = schedules[Array(name.utf8)] else { throw StintError.noSchedule(name) }
        switch change {
        case .pause: (known.isPaused, known.next) = (true, nil)
        case .resume:
            guard known.isPaused else { return }
            known.isPaused = false
            known.tickedUntil = now.wall
            known.next = known.schedule.recurrence.next(after: now.wall)
        case .delete:
            schedules[Array(name.utf8)] = nil
            return
        }
        schedules[Array(name.utf8)] = known
    }

    mutating func runSchedule(_ name: String, _ now: StoreTime) throws -> Enqueued {
        guard let known = schedules[Array(name.utf8)] else { throw StintError.noSchedule(name) }
        return enqueue([try known.schedule.job(at: nil)], now)[0]
    }

    mutating func tick(_ now: StoreTime) throws -> TickReport {
        var report = TickReport()
        let due = schedules.filter { _, schedule in
            schedule.next.map { $0 <= now.wall || schedule.tickedUntil > now.wall + DueTicks.setBack } == true
        }.sorted { one, other in
            let (next, later) = (one.value.next ?? 0, other.value.next ?? 0)
            return next != later ? next < later : one.key.lexicographicallyPrecedes(other.key)
        }
        for (name, var known) in due where report.ticks < Self.ticksPerCall {
            report.ticks += try tick(&known, now, limit: Self.ticksPerCall - report.ticks)
            schedules[name] = known
        }
        let next = schedules.values.compactMap(\.next).min()
        report.untilNext = next.map { .milliseconds(max(0, $0 - now.wall)) }
        return report
    }

    /// Enqueues the jobs of one schedule's due ticks, and returns their number.
    private mutating func tick(_ known: inout KeptSchedule, _ now: StoreTime, limit: Int) throws -> Int {
        let due = DueTicks(
            of: known.schedule.recurrence, known.schedule.missed, tickedUntil: known.tickedUntil, now: now.wall,
            limit: limit)
        var ticks = 0
        for tick in due.ticks where !known.ticks.contains(where: { StoredTime.timestamp($0.time) == tick }) {
            let job = enqueue([try known.schedule.job(at: tick)], now)[0].id
            known.ticks.append(ScheduleTick(tick, job: job))
            ticks += 1
        }
        known.ticks = known.ticks.sorted { $0.time < $1.time }.suffix(Self.ticksPerCall)
        (known.tickedUntil, known.next) = (due.tickedUntil, due.next)
        return ticks
    }
}

extension NewJob {
    /// Compares text by bytes, as a database does.
    fileprivate func equals(_ other: NewJob) -> Bool {
        payload == other.payload && queue == other.queue && contentType == other.contentType
            && options == other.options
    }
}
