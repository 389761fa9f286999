/// A point in time, read from two clocks at once.
///
/// Wall time can jump, so only `run_at` and times shown to people use it. Deadlines of leases use the monotonic clock,
/// which never jumps. It restarts at a reboot; a deadline from before that is further ahead than any lease is long. The
/// boot id is only a hint: containers on one kernel can have ids of their own.
package struct ClockReading: Hashable, Sendable {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    package var wall: Int64
    /// Milliseconds since some point of this boot; the same for all processes of the machine.
    package var monotonic: Int64
    package var boot: String

    package init(wall: Int64, monotonic: Int64, boot: String) {
        self.wall = wall
        self.monotonic = monotonic
        self.boot = boot
    }
}
