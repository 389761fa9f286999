import StintCore
import Synchronization

/// A clock that stands still until it is moved.
public final class ManualClock: QueueClock {
    private let reading = Mutex(ClockReading(wall: 1_800_000_000_000, monotonic: 5_000_000, boot: "boot-1"))

    /// Begins on 2027-01-15 08:00 UTC.
    public init() {}

    public func now() -> ClockReading { reading.withLock { $0 } }

    /// Time passes. A queue whose clock this is does not notice by itself: use ``StintCore/JobQueue/advance(by:)``.
    public func advance(by duration: Duration) {
        reading.withLock {
            $0.wall += duration.milliseconds
            $0.monotonic += duration.milliseconds
        }
    }

    /// Somebody sets the wall clock.
    package func setWall(ahead duration: Duration) {
        reading.withLock { $0.wall += duration.milliseconds }
    }

    /// The machine starts again: the monotonic clock is back at nearly nothing, the boot id is new, or hidden and so the
    /// same as before.
    package func reboot(hidesBoot: Bool = false) {
        reading.withLock {
            $0.monotonic = 1_000
            if !hidesBoot { $0.boot += "+1" }
        }
    }

    /// A container with a boot id of its own looks at the same clocks.
    package func setBoot(_ boot: String) {
        reading.withLock { $0.boot = boot }
    }
}
