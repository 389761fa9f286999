#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Milliseconds since 1970-01-01 00:00 UTC.
public typealias Timestamp = Int64

/// A point in time, read from two clocks at once.
///
/// Wall time can jump, so only `run_at` and what people read use it. Deadlines of leases use the monotonic clock: it
/// never jumps, and after a reboot, where it restarts, a deadline lies further ahead than any lease is long. The boot id
/// is a hint only: containers on one kernel can have ids of their own.
public struct ClockReading: Hashable, Sendable {
    public var wall: Timestamp { didSet { clock = nil } }
    /// Milliseconds since some point of this boot; the same for all processes of the machine.
    public var monotonic: Int64 { didSet { clock = nil } }
    public var boot: String { didSet { clock = nil } }
    /// The clock that it was read from; `nil`: it stands as it is, as one does that somebody has changed.
    package var clock: (any QueueClock)?

    public init(wall: Timestamp, monotonic: Int64, boot: String) {
        self.wall = wall
        self.monotonic = monotonic
        self.boot = boot
    }

    /// The same clock's time now. A transaction calls this when it begins: the wait for its lock must not eat a lease.
    package var readAgain: ClockReading { clock?.now() ?? self }

    public static func == (left: ClockReading, right: ClockReading) -> Bool {
        left.wall == right.wall && left.monotonic == right.monotonic && left.boot == right.boot
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(wall)
        hasher.combine(monotonic)
        hasher.combine(boot)
    }
}
