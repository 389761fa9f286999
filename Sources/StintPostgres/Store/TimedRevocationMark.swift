import StintCore
import Synchronization

/// The mark of revocations of a process whose store is on a server: other processes revoke jobs too, and tell it with
/// NOTIFY, which takes some milliseconds and may be lost.
///
/// So the mark also changes by itself when it is read, if it has not for ``limit``. A worker that reads another value
/// than before reads the store, where all revocations are that were committed, before it starts a job. What it knows is
/// therefore never older than the limit: no job starts later than that after its revocation has returned, whatever
/// becomes of the notification. It costs a busy worker a look at its leases in this time, and an idle one nothing, since
/// it reads no mark.
final class TimedRevocationMark: RevocationMark {
    static let limit: Duration = .seconds(2)

    private struct State {
        /// How often the mark has changed by itself, and when it last did.
        var changes: UInt64 = 0
        var latest: Int64
    }

    private let told = ProcessRevocationMark()
    private let state: Mutex<State>
    private let milliseconds: @Sendable () -> Int64

    /// - Parameter milliseconds: A monotonic clock.
    init(milliseconds: @escaping @Sendable () -> Int64) {
        self.milliseconds = milliseconds
        state = Mutex(State(latest: milliseconds()))
    }

    func read() -> UInt64 {
        let own = state.withLock { state in
            // The clock is read under the lock: the value is from this time on.
            let now = milliseconds()
            if now - state.latest >= Self.limit.milliseconds {
                state.changes += 1
                state.latest = now
            }
            return state.changes
        }
        // Both only grow, so the sum is never the same again.
        return own &+ told.read()
    }

    func changes() -> AsyncStream<Void> { told.changes() }

    /// When jobs were revoked by this process, or by another one that has told it.
    func change() { told.change() }

    func end() { told.end() }
}
