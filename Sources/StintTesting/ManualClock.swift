import StintCore
import Synchronization

/// A clock that stands still until it is moved.
public final class ManualClock: Sendable {
    private let time = Mutex(StoreTime(wall: 1_800_000_000_000, monotonic: 5_000_000))

    /// Creates a clock that shows 2027-01-15 08:00 UTC.
    public init() {}

    /// Moves the clock. A queue with this clock does not notice that by itself: use
    /// ``StintCore/JobQueue/advance(by:)``.
    public func advance(by duration: Duration) {
        time.withLock {
            $0.wall += duration.wholeMilliseconds
            $0.monotonic += duration.wholeMilliseconds
        }
    }

    var now: StoreTime { time.withLock { $0 } }
}
