/// The schedules of a store. Part of ``JobStore``; the same rules apply to its calls.
public protocol ScheduleStore: Sendable {
    /// Adds a schedule, or replaces the one of this name if its contents differ. A new one ticks first at its first
    /// tick from now on; one whose recurrence is the same as before goes on as before, and so does a pause. If the
    /// recurrence is another one, what was due by the old one makes its jobs first (1,000 of them at most).
    ///
    /// - Throws: `invalidInput` if it would never tick, or for more than ``Schedule/maximumCount`` of them. Nothing was
    ///   changed then.
    func setSchedule(_ schedule: Schedule) async throws -> ScheduleSetting

    /// All schedules, by name.
    func schedules() async throws -> [ScheduleRecord]

    /// One schedule with its payload, or `nil`.
    func schedule(_ name: String) async throws -> ScheduleDetails?

    /// Pauses, resumes or deletes a schedule.
    ///
    /// - Throws: `notFound`; nothing was changed then.
    func changeSchedule(_ name: String, _ change: ScheduleChange) async throws

    /// Enqueues the schedule's job now, also if it is paused. Its ticks stay as they are.
    ///
    /// - Throws: `notFound`, or `invalidInput` if another program has made its job invalid.
    func runSchedule(_ name: String) async throws -> Enqueued

    /// Enqueues the jobs of ticks that are due, each in the same transaction as the note that it was made: a tick makes
    /// one job, however many processes call this. A call makes a bounded number. If nothing is due it only reads.
    ///
    /// A schedule that cannot tick does not keep others from it, and is tried again a minute later.
    func tick() async throws -> TickReport

    /// Emits when the time of the next tick may have changed, also by other processes. May emit spuriously; only one
    /// unread value is buffered.
    func scheduleChanges() -> AsyncStream<Void>
}

extension ScheduleStore {
    /// Ticks until nothing is due or the task is cancelled.
    public func tickAll() async throws -> TickReport {
        var total = TickReport()
        repeat {
            let step = try await tick()
            total.ticks += step.ticks
            total.problems += step.problems
            total.untilNext = step.untilNext
        } while total.untilNext == .zero && !Task.isCancelled
        return total
    }
}

extension StintError {
    /// No schedule has this name.
    public static func noSchedule(_ name: String) -> StintError {
        StintError(.notFound, "there is no schedule \(quoted(name)): it was deleted, or never set")
    }

    /// A schedule with this recurrence would make no job.
    public static func neverTicks(_ recurrence: Schedule.Recurrence) -> StintError {
        .invalidInput(
            "the schedule never ticks (\(recurrence)): daylight saving skips all of its times, or there are none left")
    }

    /// There are ``Schedule/maximumCount`` already.
    public static let tooManySchedules: StintError = .invalidInput(
        "there are \(Schedule.maximumCount) schedules, the most that a store can have: delete one, or let one job enqueue others"
    )
}
