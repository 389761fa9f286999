import StintCore
import Synchronization

/// Notices that the server could not be reached for a while. Then no worker could extend a lease: many are past
/// their deadlines whose workers live, and these connect again at about the same time as the reaper.
///
/// Nothing is known of the time before this process connected, and no server tells of all outages. So its beginning
/// counts as the end of one.
final class OutageWatch: Sendable {
    /// How long after an outage no lease is ended because its time is over: each worker has tried to connect by then.
    static let grace: Duration = PostgresConnections.Options().reconnect.longest * 2
    /// A server that did not answer for this long may not have answered others either.
    static let longAnswer: Duration = .seconds(1)
    /// A server that is slow for longer is not just back: then leases end again, or those of dead workers never would.
    static let longestGrace: Duration = .seconds(60)

    /// An outage that is just over. Leases that were granted or extended since it was noticed have run out without it.
    struct Outage: Sendable, Hashable {
        /// How long ago it was noticed, in milliseconds.
        let age: Int64
        /// How long the leases from before are still left to their workers.
        let rest: Duration
    }

    private struct State {
        var reconnects: Int
        /// When an outage was last noticed.
        var noticed: Int64
        /// When the first of them was noticed, if one followed another.
        var began: Int64

        mutating func notice(at time: Int64) {
            if time - noticed >= OutageWatch.grace.milliseconds * 2 { began = time }
            noticed = time
        }
    }

    private let connections: PostgresConnections
    private let state: Mutex<State>
    private let milliseconds: @Sendable () -> Int64

    /// - Parameters:
    ///   - connections: They have connected.
    ///   - milliseconds: A monotonic clock.
    init(_ connections: PostgresConnections, milliseconds: @escaping @Sendable () -> Int64) {
        self.connections = connections
        self.milliseconds = milliseconds
        let now = milliseconds()
        state = Mutex(State(reconnects: connections.reconnects, noticed: now, began: now))
    }

    /// Measures how long the server takes for `body`.
    func measure<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        let begin = milliseconds()
        let value = try await body()
        let end = milliseconds()
        if end - begin >= Self.longAnswer.milliseconds { state.withLock { $0.notice(at: end) } }
        return value
    }

    /// The outage that is just over, as far as this process knows. It is asked in the transaction that ends leases,
    /// whose connection may be a new one.
    func latest() -> Outage? {
        let reconnects = connections.reconnects
        return state.withLock { state in
            let now = milliseconds()
            if state.reconnects != reconnects {
                state.reconnects = reconnects
                state.notice(at: now)
            }
            let age = now - state.noticed
            let rest = min(
                Self.grace.milliseconds - age, Self.longestGrace.milliseconds - (now - state.began))
            return rest > 0 ? Outage(age: age, rest: .milliseconds(rest)) : nil
        }
    }
}
