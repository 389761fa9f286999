import StintCore
import Synchronization

/// What a process knows of queues without asking the server. Queues are never deleted, so an id that was read once stays.
/// But a standby that becomes the primary may not have the last queues, and then gives their ids to others: all is
/// forgotten when a connection was lost. Statements that take an id from here compare its name.
final class KnownQueues: Sendable {
    private struct State {
        /// How often a connection was made again when this was read.
        var reconnects = 0
        var ids: [QueueName: Int64] = [:]
        /// Queues that were found to have limits or groups, or paused: their claims take more than one statement.
        var special: Set<Int64> = []
    }

    private let connections: PostgresConnections
    private let state = Mutex(State())

    init(_ connections: PostgresConnections) { self.connections = connections }

    private func withState<Value>(_ body: (inout State) -> Value) -> Value {
        let reconnects = connections.reconnects
        return state.withLock { state in
            if state.reconnects != reconnects { state = State(reconnects: reconnects) }
            return body(&state)
        }
    }

    func id(of queue: QueueName) -> Int64? { withState { $0.ids[queue] } }

    func ids(of queues: [QueueName]) -> [Int64?] { withState { state in queues.map { state.ids[$0] } } }

    /// - Parameter reconnects: `PostgresConnections.reconnects` from before they were read.
    func note(_ ids: [QueueName: Int64], since reconnects: Int) {
        guard !ids.isEmpty else { return }
        withState { state in
            if state.reconnects == reconnects { state.ids.merge(ids) { $1 } }
        }
    }

    func forget() { withState { $0 = State(reconnects: $0.reconnects) } }

    func isSpecial(_ queue: Int64) -> Bool { withState { $0.special.contains(queue) } }

    func note(_ queue: Int64, isSpecial: Bool) {
        withState { state in
            if isSpecial { state.special.insert(queue) } else { state.special.remove(queue) }
        }
    }
}
