import StintCore
import Synchronization

/// A clock that a test moves.
package final class ManualClock: QueueClock {
    private let moment = Mutex(ClockReading(wall: 1_800_000_000_000, monotonic: 5_000_000, boot: "boot-1"))

    package init() {}

    package func now() -> ClockReading { moment.withLock { $0 } }

    /// Time passes: both clocks move.
    package func advance(by duration: Duration) {
        moment.withLock {
            $0.wall += duration.milliseconds
            $0.monotonic += duration.milliseconds
        }
    }

    /// Somebody sets the wall clock.
    package func setWall(ahead duration: Duration) {
        moment.withLock { $0.wall += duration.milliseconds }
    }

    /// The machine starts again: the monotonic clock is back at nearly nothing, the boot id is new, or hidden and so the
    /// same as before.
    package func reboot(hidesBoot: Bool = false) {
        moment.withLock {
            $0.monotonic = 1_000
            if !hidesBoot { $0.boot += "+1" }
        }
    }

    /// A container with a boot id of its own looks at the same clocks.
    package func setBoot(_ boot: String) {
        moment.withLock { $0.boot = boot }
    }

    /// A moment that the store reads again when its transaction begins, as it does with the machine's clocks.
    package func live() -> ClockReading {
        var moment = now()
        moment.clock = self
        return moment
    }
}
