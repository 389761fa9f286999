import StintCore
import StintPlatform
import Synchronization

/// Allows something that costs too much to be done each time: the first time, and then once in an interval of the
/// monotonic clock.
final class RareLook: Sendable {
    private let interval: Duration
    private let last = Mutex<Int64?>(nil)

    init(every interval: Duration) {
        self.interval = interval
    }

    /// Forgets the last time, as in a new process; for simulated worlds, which use a store again.
    func forget() { last.withLock { $0 = nil } }

    func isTime(_ now: ClockReading) -> Bool {
        last.withLock { last in
            // A clock that went back belongs to another boot, or to a test.
            if let last, (last..<last + interval.milliseconds).contains(now.monotonic) { return false }
            last = now.monotonic
            return true
        }
    }
}
