import StintCore
import Synchronization

/// A clock that stands still until it is moved.
public final class ManualClock: QueueClock {
    private let reading = Mutex(ClockReading(wall: 1_800_000_000_000, monotonic: 5_000_000, boot: "boot-1"))

    /// Creates a clock that shows 2027-01-15 08:00 UTC.
    public init() {}

    public func now() -> ClockReading { reading.withLock { $0 } }

    /// Moves the clock. A queue with this clock does not notice that by itself: use
    /// ``StintCore/JobQueue/advance(by:)``.
    public func advance(by duration: Duration) {
        reading.withLock {
            $0.wall += duration.milliseconds
            $0.monotonic += duration.milliseconds
        }
    }

    /// Sets the wall clock.
    package func setWall(ahead duration: Duration) {
        reading.withLock { $0.wall += duration.milliseconds }
    }

    /// Simulates a reboot: the monotonic clock is back near zero, and the boot id is new, or hidden and so the same as
    /// before.
    package func reboot(hidesBoot: Bool = false) {
        reading.withLock {
            $0.monotonic = 1_000
            if !hidesBoot { $0.boot += "+1" }
        }
    }

    /// Simulates a container with its own boot id and the same clocks.
    package func setBoot(_ boot: String) {
        reading.withLock { $0.boot = boot }
    }
}
