import StintCore
import Synchronization

/// Allows what costs too much to be done each time: the first time, and then once in an interval of the monotonic clock.
final class RareLook: Sendable {
    private let interval: Duration
    private let last = Mutex<Int64?>(nil)

    init(every interval: Duration) {
        self.interval = interval
    }

    /// As in a new process; for simulated worlds, which use a store again.
    func forget() { last.withLock { $0 = nil } }

    func isTime(_ now: ClockReading) -> Bool {
        last.withLock { last in
            // A clock that went back is another boot's, or a test's.
            if let last, (last..<last + interval.milliseconds).contains(now.monotonic) { return false }
            last = now.monotonic
            return true
        }
    }
}
