import Dispatch
import GRDB
import GRDBSQLite
import StintCore
import StintPlatform

/// Waits for another process's write lock in short steps of random length. SQLite's own busy handler soon sleeps 100 ms
/// at a time, which leaves the lock idle and favours its last holder.
///
/// `@unchecked Sendable`: each one belongs to one connection, and only that connection's thread uses it.
final class BusyWait: @unchecked Sendable {
    private let timeout: Duration
    private var started = ContinuousClock.now
    private var waitedBefore = Duration.zero

    init(timeout: Duration) {
        self.timeout = timeout
    }

    /// The caller has already waited elsewhere. The timeout covers both waits.
    func begin(after waited: Duration) {
        waitedBefore = min(waited, timeout / 2)
    }

    /// SQLite calls this repeatedly while the lock is held; `false` gives up.
    func wait(_ tries: Int) -> Bool {
        if tries == 0 { started = .now }
        if ContinuousClock.now - started + waitedBefore >= timeout { return false }
        usleep(tries < 10 ? .random(in: 100...500) : .random(in: 500...3_000))
        return true
    }
}
