import StintCore
import Synchronization

/// Notices that the server could not be reached for a while. Then no worker could extend a lease: many are past
/// their deadlines whose workers live, and these connect again at about the same time as the reaper.
final class OutageWatch: Sendable {
    /// How long after an outage no lease is ended because its time is over: each worker has tried to connect by then.
    static let grace: Duration = PostgresConnections.Options().reconnect.longest * 2
    /// A server that did not answer for this long may not have answered others either.
    static let longAnswer: Duration = .seconds(1)
    /// A server that is slow for longer is not just back: then leases end again, or those of dead workers never would.
    static let longestGrace: Duration = .seconds(60)

    private struct State {
        var reconnects = 0
        /// When an outage was last noticed; `nil`: there was none.
        var noticed: Int64?
        /// When the first of them was noticed, if one followed another.
        var began: Int64 = 0

        mutating func notice(at time: Int64) {
            if noticed.map({ time - $0 >= OutageWatch.grace.milliseconds * 2 }) ?? true { began = time }
            noticed = time
        }
    }

    private let connections: PostgresConnections
    private let state = Mutex(State())
    private let milliseconds: @Sendable () -> Int64

    /// - Parameter milliseconds: A monotonic clock.
    init(_ connections: PostgresConnections, milliseconds: @escaping @Sendable () -> Int64) {
        self.connections = connections
        self.milliseconds = milliseconds
    }

    /// Measures how long the server takes for `body`.
    func measure<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        let begin = ContinuousClock.now
        let value = try await body()
        if ContinuousClock.now - begin >= Self.longAnswer { state.withLock { $0.notice(at: milliseconds()) } }
        return value
    }

    /// Whether there was an outage just now, as far as this process knows. It is asked in the transaction that ends leases,
    /// whose connection may be a new one.
    func isJustOver() -> Bool {
        let reconnects = connections.reconnects
        return state.withLock { state in
            let now = milliseconds()
            if state.reconnects != reconnects {
                state.reconnects = reconnects
                state.notice(at: now)
            }
            guard let noticed = state.noticed, now - state.began < Self.longestGrace.milliseconds else { return false }
            return now - noticed < Self.grace.milliseconds
        }
    }
}
