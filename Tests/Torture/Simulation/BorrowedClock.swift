import StintCore
import Synchronization

/// The clock of whoever uses it: a store is used by one simulated process after the other, and each has a clock.
final class BorrowedClock: QueueClock {
    private let clock = Mutex<any QueueClock>(SystemClock())

    func now() -> ClockReading { clock.withLock { $0 }.now() }

    func lend(_ clock: any QueueClock) { self.clock.withLock { $0 = clock } }
}
