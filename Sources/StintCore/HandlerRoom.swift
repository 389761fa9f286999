import Synchronization

/// Who may run handlers in this process: any number at once, or a suspect with nothing beside it. All workers of a store
/// in a process share one, so that a suspect that kills the process is known for certain.
package final class HandlerRoom: Sendable {
    /// A worker that asks.
    package typealias Visitor = ObjectIdentifier

    private struct State {
        var inside = 0
        var isTaken = false
        /// Those that wait to be alone: nobody new enters before them.
        var waiting: Set<Visitor> = []
        /// In the order of their coming, in which they are woken up too.
        var listeners: [(visitor: Visitor, wake: @Sendable () -> Void)] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameter wake: Called whenever a visitor that was refused may try again.
    package func join(_ visitor: Visitor, wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append((visitor, wake)) }
    }

    package func part(_ visitor: Visitor) {
        state.withLock { $0.listeners.removeAll { $0.visitor == visitor } }
        stopWaiting(visitor)
    }

    /// Whether a handler may start now; ``leave()`` must follow its end.
    package func enter(_ visitor: Visitor, alone: Bool) -> Bool {
        state.withLock { state in
            if alone {
                guard state.inside == 0 else {
                    state.waiting.insert(visitor)
                    return false
                }
                state.isTaken = true
                state.waiting.remove(visitor)
            } else if state.isTaken || !state.waiting.isEmpty {
                return false
            }
            state.inside += 1
            return true
        }
    }

    package func leave() {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            state.inside -= 1
            let isFreeAgain = state.inside == 0 && (state.isTaken || !state.waiting.isEmpty)
            if state.inside == 0 { state.isTaken = false }
            return isFreeAgain ? state.listeners.map(\.wake) : []
        }
        for wake in listeners { wake() }
    }

    /// The visitor's suspect was given back.
    package func stopWaiting(_ visitor: Visitor) {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            state.waiting.remove(visitor) != nil ? state.listeners.map(\.wake) : []
        }
        for wake in listeners { wake() }
    }
}
