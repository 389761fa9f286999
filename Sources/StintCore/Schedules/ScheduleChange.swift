/// A change to a schedule that exists.
public enum ScheduleChange: Sendable, Hashable {
    /// No ticks until it is resumed.
    case pause
    /// Go on with the next tick; those of the pause make no jobs.
    case resume
    /// Delete it. Jobs that it has made stay.
    case delete
}
