/// Compares the jobs that schedules have made with their ticks.
extension HistoryChecker {
    func scheduleViolations() -> [Violation] {
        let jobs = Dictionary(grouping: final.jobs.filter { $0.origin?.tick != nil }, by: { $0.origin!.schedule })
        let notes = Dictionary(grouping: final.ticks, by: \.schedule)
        let declared = declaredSchedules
        let names = Set(jobs.keys).union(notes.keys).union(declared.keys)
        let calls = TickCalls(history)
        return names.sorted().flatMap { name -> [Violation] in
            let made = ScheduleJobs(name, jobs[name] ?? [], notes[name] ?? [])
            var found = doubleViolations(made) + noteViolations(made)
            // What commands do with the store is in no history. A schedule with several declarations is not followed.
            guard !history.hasCommands, let schedule = declared[name] else { return found }
            guard let interval = schedule.interval else { return found }
            found += timeViolations(made, schedule, interval, calls)
            found += missedViolations(made, schedule, interval)
            return found
        }
    }

    /// What is left of a schedule's ticks.
    private struct ScheduleJobs {
        let name: String
        let jobs: [FinalState.Job]
        let notes: [Int64: FinalState.Tick]
        let byTick: [Int64: [FinalState.Job]]

        init(_ name: String, _ jobs: [FinalState.Job], _ notes: [FinalState.Tick]) {
            self.name = name
            self.jobs = jobs
            self.notes = Dictionary(notes.map { ($0.time, $0) }, uniquingKeysWith: { $1 })
            byTick = Dictionary(grouping: jobs, by: { $0.origin!.tick! })
        }
    }

    /// The schedules that had one declaration, by name.
    private var declaredSchedules: [String: Call.Schedule] {
        var schedules: [String: Set<String>] = [:]
        var declared: [String: Call.Schedule] = [:]
        for made in history.scheduleCalls {
            guard case .setSchedule(let schedule, _) = made.call else { continue }
            schedules[schedule.name, default: []].insert("\(schedule)")
            declared[schedule.name] = schedule
        }
        return declared.filter { schedules[$0.key]?.count == 1 }
    }

    // MARK: - One job a tick

    private func doubleViolations(_ made: ScheduleJobs) -> [Violation] {
        made.byTick.sorted { $0.key < $1.key }.filter { $0.value.count > 1 }.map { tick, jobs in
            Violation(.tickTwice, "\(made.name) at \(tick) is there as the jobs \(jobs.map(\.id))")
        }
    }

    private func noteViolations(_ made: ScheduleJobs) -> [Violation] {
        var found: [Violation] = []
        let ids = Set(made.jobs.map(\.id))
        for note in made.notes.values.sorted(by: { $0.time < $1.time }) where !ids.contains(note.job) {
            guard history.jobHistories[note.job]?.deletes.contains(where: \.mayHaveHappened) != true else { continue }
            found.append(
                Violation(.tickUnnoted, "\(made.name) at \(note.time) has no job: \(note.job) is not there"))
        }
        // The oldest notes are not kept for ever.
        let oldest = made.notes.keys.min() ?? .max
        for job in made.jobs where job.origin!.tick! >= oldest && made.notes[job.origin!.tick!]?.job != job.id {
            found.append(
                Violation(.tickUnnoted, "\(made.name) at \(job.origin!.tick!): job \(job.id) is in no note"))
        }
        if made.notes.isEmpty, let job = made.jobs.first {
            found.append(Violation(.tickUnnoted, "\(made.name): job \(job.id) and others, and there are no notes"))
        }
        return found
    }

    // MARK: - When it is due

    /// When the processes have ticked, by the wall clock.
    private struct TickCalls {
        /// By their starts; `latest` is the last end of all up to this one.
        private var calls: [(start: Int64, latest: Int64)] = []

        init(_ history: History) {
            let spans = history.scheduleCalls.compactMap { made -> (start: Int64, end: Int64)? in
                guard made.mayHaveHappened, case .tick(let wall) = made.call else { return nil }
                // Where the clock was set meanwhile it may have shown anything.
                let isSet = history.clockSettings.contains { $0.line > made.invoked && $0.line < made.ended }
                return isSet ? (.min, .max) : (wall, wall.saturatingSum(history.longest(made)))
            }.sorted { $0.start < $1.start }
            var latest = Int64.min
            for span in spans {
                latest = max(latest, span.end)
                calls.append((span.start, latest))
            }
        }

        /// Whether the clock may have shown a time of `range` during a call.
        func mayHaveBeen(in range: Range<Int64>) -> Bool {
            var (low, high) = (0, calls.count)
            while low < high {
                let middle = (low + high) / 2
                if calls[middle].start < range.upperBound { low = middle + 1 } else { high = middle }
            }
            return low > 0 && calls[low - 1].latest >= range.lowerBound
        }
    }

    /// How late a tick may be that is skipped if it is missed.
    private static let tolerance: Int64 = 120_000

    /// A tick comes from its time on; with `once` and `skip` until the next one, because then that is the last of all.
    private func timeViolations(
        _ made: ScheduleJobs, _ schedule: Call.Schedule, _ interval: Int64, _ calls: TickCalls
    ) -> [Violation] {
        made.byTick.keys.sorted().compactMap { tick in
            let span: Range<Int64> =
                switch schedule.missed {
                case .all: tick..<Int64.max
                case .once: tick..<tick + interval
                case .skip: tick..<tick + min(interval, Self.tolerance + 1)
                }
            guard (tick - schedule.origin) % interval == 0, calls.mayHaveBeen(in: span) else {
                return Violation(.tickUntimely, "\(made.name), \(schedule.missed), has made a job at \(tick)")
            }
            return nil
        }
    }

    // MARK: - None is missing

    private func missedViolations(
        _ made: ScheduleJobs, _ schedule: Call.Schedule, _ interval: Int64
    ) -> [Violation] {
        guard schedule.missed == .all, let (setAt, ticked) = certainSpan(of: schedule), setAt < ticked else {
            return []
        }
        let first = setAt + interval - (setAt - schedule.origin) % interval
        return stride(from: first, through: ticked, by: Int(interval)).compactMap { tick in
            guard made.byTick[tick] == nil, made.notes[tick] == nil else { return nil }
            return Violation(.tickMissed, "\(made.name) has made no job at \(tick)")
        }
    }

    /// From when and until when each tick must have made its job: from the time at which the schedule was certainly
    /// there, to the last call that left nothing due.
    private func certainSpan(of schedule: Call.Schedule) -> (from: Int64, to: Int64)? {
        var from: (wall: Int64, line: Int)?
        var to: Int64?
        for made in history.scheduleCalls {
            switch made.call {
            case .setSchedule(let declared, let wall) where declared.name == schedule.name && from == nil:
                guard case .returned(.scheduled(let isNew, _)) = made.outcome, !history.mayBeUndone(made),
                    !isClockSet((isNew ? made.invoked : 0)...made.ended)
                else { continue }
                from = (wall.saturatingSum(history.longest(made)), made.ended)
            case .changeSchedule(let name) where name == schedule.name && made.mayHaveHappened:
                return from.flatMap { from in to.map { (from.wall, $0) } }
            case .tick(let wall):
                guard case .returned(.ticked(_, isComplete: true)) = made.outcome, let from, made.invoked > from.line,
                    !history.mayBeUndone(made), !isClockSet(made.invoked...made.ended),
                    !isChanged(schedule, before: made.ended)
                else { continue }
                to = max(to ?? .min, wall)
            default: continue
            }
        }
        return from.flatMap { from in to.map { (from.wall, $0) } }
    }

    private func isChanged(_ schedule: Call.Schedule, before line: Int) -> Bool {
        history.scheduleCalls.contains {
            guard case .changeSchedule(schedule.name) = $0.call else { return false }
            return $0.mayHaveHappened && $0.invoked < line
        }
    }
}

extension History {
    /// The longest time that a call may have taken, in milliseconds; a process that was killed did nothing afterwards.
    func longest(_ made: Made) -> Int64 {
        if made.duration != .max { return made.duration / 1_000_000 + 1 }
        guard let line = killed[made.process] else { return .max }
        return (times[line] - times[made.invoked]) / 1_000_000 + 1
    }
}

extension Int64 {
    /// The sum, or the largest number.
    func saturatingSum(_ other: Int64) -> Int64 {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? .max : sum
    }
}
