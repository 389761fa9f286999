/// Which ticks of a schedule make a job now. Pure: a store only carries it out.
public struct DueTicks: Sendable, Hashable {
    /// The ticks that make a job, oldest first.
    public let ticks: [Timestamp]
    /// All ticks up to this one have made their jobs, or will make none.
    public let tickedUntil: Timestamp
    /// The next tick; it may be due already, if this is all that was allowed. `nil`: there will be none.
    public let next: Timestamp?

    /// A clock that shows less than the last tick by more than this was set back.
    public static let setBack: Int64 = 60_000

    /// - Parameters:
    ///   - tickedUntil: See ``tickedUntil``: what the last call has returned, or when the schedule was set.
    ///   - limit: The most ticks; at least 1.
    public init(
        of recurrence: Schedule.Recurrence, _ missed: MissedTicks, tickedUntil: Timestamp, now: Timestamp, limit: Int
    ) {
        // If the clock was set back, go on from there. The store knows the ticks that it has made jobs of.
        guard tickedUntil <= now + Self.setBack else {
            (ticks, self.tickedUntil, next) = ([], now, recurrence.next(after: now))
            return
        }
        var ticks: [Timestamp] = []
        var last = tickedUntil
        switch missed {
        case .all:
            while ticks.count < limit, let tick = recurrence.next(after: last), tick <= now {
                ticks.append(tick)
                last = tick
            }
        case .once, .skip:
            if let tick = Self.last(of: recurrence, after: tickedUntil, upTo: now) {
                let isMissed = missed == .skip && now - tick > Schedule.tolerance.milliseconds
                if !isMissed { ticks.append(tick) }
                last = tick
            }
        }
        (self.ticks, self.tickedUntil, next) = (ticks, last, recurrence.next(after: last))
    }

    /// The last tick of a span of time, whatever their number.
    private static func last(
        of recurrence: Schedule.Recurrence, after start: Timestamp, upTo end: Timestamp
    ) -> Timestamp? {
        func tick(after time: Timestamp) -> Timestamp? {
            recurrence.next(after: time).flatMap { $0 <= end ? $0 : nil }
        }
        guard var last = tick(after: start) else { return nil }
        // A tick follows the lower end, and none follows the upper one.
        var none = end
        while none - last > 1 {
            let middle = last + (none - last) / 2
            if let later = tick(after: middle) { last = later } else { none = middle }
        }
        return tick(after: last) ?? last
    }
}
