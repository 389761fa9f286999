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
                lastTicks: ticks.suffix(ScheduleRecord.shownTicks).reversed(), nextTick: next)
        }
    }

    mutating func setSchedule(_ schedule: Schedule, _ now: ClockReading) throws -> ScheduleSetting {
        guard let next = schedule.recurrence.next(after: now.wall) else {
            throw StintError.neverTicks(schedule.recurrence)
        }
        let name = ByteText(schedule.name)
        guard var known = schedules[name] else {
            guard schedules.count < Schedule.maximumCount else { throw StintError.tooManySchedules }
            schedules[name] = KeptSchedule(schedule: schedule, tickedUntil: now.wall, next: next)
            return .added
        }
        let goesOn = known.schedule.recurrence == schedule.recurrence
        if goesOn && known.schedule.missed == schedule.missed && known.schedule.job.equals(schedule.job) {
            return .unchanged
        }
        known.schedule = schedule
        if !goesOn {
            known.tickedUntil = now.wall
            known.next = known.isPaused ? nil : next
        }
        schedules[name] = known
        return .replaced
    }

    mutating func changeSchedule(_ name: String, _ change: ScheduleChange, _ now: ClockReading) throws {
        guard var known = schedules[ByteText(name)] else { throw StintError.noSchedule(name) }
        switch change {
        case .pause: (known.isPaused, known.next) = (true, nil)
        case .resume:
            guard known.isPaused else { return }
            known.isPaused = false
            known.tickedUntil = now.wall
            known.next = known.schedule.recurrence.next(after: now.wall)
        case .delete:
            schedules[ByteText(name)] = nil
            return
        }
        schedules[ByteText(name)] = known
    }

    mutating func runSchedule(_ name: String, _ now: ClockReading) throws -> Enqueued {
        guard let known = schedules[ByteText(name)] else { throw StintError.noSchedule(name) }
        return enqueue([try known.schedule.job(at: nil)], now)[0]
    }

    mutating func tick(_ now: ClockReading) throws -> TickReport {
        var report = TickReport()
        let due = schedules.filter { _, schedule in
            schedule.next.map { $0 <= now.wall || schedule.tickedUntil > now.wall + DueTicks.setBack } == true
        }.sorted { ($0.value.next ?? 0, $0.key) < ($1.value.next ?? 0, $1.key) }
        for (name, var known) in due where report.ticks < Self.ticksPerCall {
            let due = DueTicks(
                of: known.schedule.recurrence, known.schedule.missed, tickedUntil: known.tickedUntil, now: now.wall,
                limit: Self.ticksPerCall - report.ticks)
            for tick in due.ticks where !known.ticks.contains(where: { $0.timeMilliseconds == tick }) {
                let job = enqueue([try known.schedule.job(at: tick)], now)[0].id
                known.ticks.append(ScheduleTick(tick, job: job))
                report.ticks += 1
            }
            known.ticks = known.ticks.sorted { $0.timeMilliseconds < $1.timeMilliseconds }.suffix(Self.ticksPerCall)
            (known.tickedUntil, known.next) = (due.tickedUntil, due.next)
            schedules[name] = known
        }
        let next = schedules.values.compactMap(\.next).min()
        report.untilNext = next.map { .milliseconds(max(0, $0 - now.wall)) }
        return report
    }
}

extension NewJob {
    /// Compares text by bytes, as a database does.
    fileprivate func equals(_ other: NewJob) -> Bool {
        payload == other.payload && queue == other.queue && contentType == other.contentType
            && options == other.options
    }
}
