import StintCore
import Synchronization

/// Leases that reaps of this process have found past their deadlines and left to their workers, for the second look. Only
/// a reap on a worker's own machine knows that it lives, so others need not know of it.
final class FirstLooks: Sendable {
    /// How long one counts: a reap that spares a lease looks again soon, or another one does.
    private static let longestPause: Duration = .seconds(60)

    private struct Look {
        /// Extending a lease moves it.
        let deadline: Int64
        let time: Int64
    }

    private let looks = Mutex<[Int64: Look]>([:])
    private let milliseconds: @Sendable () -> Int64

    /// - Parameter milliseconds: A monotonic clock.
    init(milliseconds: @escaping @Sendable () -> Int64) {
        self.milliseconds = milliseconds
    }

    /// Whether the lease was found past its deadline some time ago, and was not extended since. If it is found for the
    /// first time, that is noted.
    @discardableResult
    func isSecond(_ token: Int64, deadline: Int64) -> Bool {
        let now = milliseconds()
        return looks.withLock { looks in
            if let first = looks[token], first.deadline == deadline {
                return now - first.time >= SecondLook.delay.milliseconds
            }
            looks[token] = Look(deadline: deadline, time: now)
            return false
        }
    }

    /// Forgets leases that were looked at long ago, such as those that were extended since.
    func forgetOld() {
        let longAgo = milliseconds() - Self.longestPause.milliseconds
        looks.withLock { looks in
            if !looks.isEmpty { looks = looks.filter { $0.value.time > longAgo } }
        }
    }

    /// How many leases are kept in memory.
    var count: Int { looks.withLock { $0.count } }
}
