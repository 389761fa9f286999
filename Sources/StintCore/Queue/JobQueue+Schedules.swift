extension JobQueue {
    /// Declares that a job of this kind is enqueued again and again. A program can do so whenever it starts: if the
    /// schedule exists with the same contents, nothing changes.
    ///
    ///     try await queue.schedule("nightly", .cron("0 3 * * *", timeZone: "Europe/Berlin"), CleanUp(), in: "chores")
    ///
    /// Workers tick, and so does `stint reap`; without either nothing does.
    ///
    /// - Parameters:
    ///   - name: Its name; another schedule of this name is replaced.
    ///   - missed: What becomes of ticks while nothing ticked.
    /// - Throws: The encoder's error, or ``StintError`` with the code `invalidInput`, which names what is wrong.
    ///   Nothing was changed then.
    @discardableResult
    public func schedule(
        _ name: String, _ recurrence: Schedule.Recurrence, _ parameters: some JobParameters,
        in queue: QueueName = .default, options: JobOptions = JobOptions(), missed: MissedTicks = .once
    ) async throws -> ScheduleSetting {
        let job = try NewJob(parameters, in: queue, options: options)
        return try await set(try Schedule(name, recurrence, missed: missed, job: job))
    }

    /// Adds a schedule, or replaces the one of its name if the contents differ.
    @discardableResult
    public func set(_ schedule: Schedule) async throws -> ScheduleSetting { try await store.setSchedule(schedule) }

    /// All schedules, by name.
    public func schedules() async throws -> [ScheduleRecord] { try await store.schedules() }

    /// One schedule with its payload; `nil` if there is none of this name.
    public func schedule(named name: String) async throws -> ScheduleDetails? { try await store.schedule(name) }

    /// No ticks of this schedule make jobs until it is resumed.
    ///
    /// - Throws: ``StintError`` with the code `notFound`.
    public func pauseSchedule(_ name: String) async throws { try await store.changeSchedule(name, .pause) }

    /// Ends the pause of a schedule: it goes on with its next tick.
    ///
    /// - Throws: ``StintError`` with the code `notFound`.
    public func resumeSchedule(_ name: String) async throws { try await store.changeSchedule(name, .resume) }

    /// Deletes a schedule. Jobs that it has made stay.
    ///
    /// - Throws: ``StintError`` with the code `notFound`.
    public func deleteSchedule(_ name: String) async throws { try await store.changeSchedule(name, .delete) }

    /// Enqueues the schedule's job now; its ticks stay as they are.
    ///
    /// - Throws: ``StintError`` with the code `notFound`.
    @discardableResult
    public func runSchedule(_ name: String) async throws -> Enqueued { try await store.runSchedule(name) }
}
