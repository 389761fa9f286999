/// What one call of ``ScheduleStore/tick()`` did.
public struct TickReport: Sendable, Hashable {
    /// Ticks that have made a job.
    public var ticks = 0
    /// How long until the next tick, by the store's time; zero if more ticks are due. `nil`: there is none.
    public var untilNext: Duration?
    /// Schedules that are due and cannot tick, with the reasons.
    package var problems: [String] = []

    public init(ticks: Int = 0, untilNext: Duration? = nil) {
        self.ticks = ticks
        self.untilNext = untilNext
    }
}
