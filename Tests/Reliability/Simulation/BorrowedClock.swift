import StintCore
import StintPlatform
import Synchronization

/// The clock of the present user: one simulated process after the other uses a store, and each has a clock.
final class BorrowedClock: QueueClock {
    private let clock = Mutex<any QueueClock>(SystemClock())

    func now() -> ClockReading { clock.withLock { $0 }.now() }

    func lend(_ clock: any QueueClock) { self.clock.withLock { $0 = clock } }
}
