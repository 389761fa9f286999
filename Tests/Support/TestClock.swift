import StintPlatform
import Synchronization

/// The clocks of a machine that stand still until a test moves them.
package final class TestClock: QueueClock {
    private let reading = Mutex(ClockReading(wall: 1_800_000_000_000, monotonic: 5_000_000, boot: "boot-1"))

    package init() {}

    package func now() -> ClockReading { reading.withLock { $0 } }

    package func advance(by duration: Duration) {
        let milliseconds = Int64(duration / .milliseconds(1))
        reading.withLock {
            $0.wall += milliseconds
            $0.monotonic += milliseconds
        }
    }

    /// Sets the wall clock.
    package func setWall(ahead duration: Duration) {
        reading.withLock { $0.wall += Int64(duration / .milliseconds(1)) }
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
