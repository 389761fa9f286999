/// Milliseconds since 1970-01-01 00:00 UTC, as stores keep times. Applications see `Date`.
public typealias Timestamp = Int64

/// A point in time, read from two clocks at once.
///
/// Wall time can jump, so only `run_at` and times shown to people use it. Deadlines of leases use the monotonic clock,
/// which never jumps. It restarts at a reboot; a deadline from before that is further ahead than any lease is long. The
/// boot id is only a hint: containers on one kernel can have ids of their own.
public struct ClockReading: Hashable, Sendable {
    public var wall: Timestamp
    /// Milliseconds since some point of this boot; the same for all processes of the machine.
    public var monotonic: Int64
    public var boot: String

    public init(wall: Timestamp, monotonic: Int64, boot: String) {
        self.wall = wall
        self.monotonic = monotonic
        self.boot = boot
    }
}
