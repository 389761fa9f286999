import Synchronization

/// Who may run handlers in this process: any number at once, or a suspect with nothing beside it. All workers of a store
/// in a process share one, so that a suspect that kills the process is known for certain.
///
/// Who wants to be alone and cannot be may get in line. While somebody is in line nobody new enters, so that the room
/// becomes empty; then it is kept for the first in line until that one has entered or left the line.
package final class HandlerRoom: Sendable {
    /// A worker that asks.
    package typealias Visitor = ObjectIdentifier

    /// What a visitor would find.
    package enum Outlook: Sendable, Hashable {
        /// Nobody is in it: it may enter, alone too.
        case empty
        /// Others run handlers, or itself: it may enter, but not alone.
        case shared
        /// Nobody may enter: somebody is alone, or is to be next.
        case closed
    }

    private struct State {
        var inside = 0
        var isTaken = false
        /// Those that wait to be alone, in the order of their coming: nobody new enters before them.
        var line: [Visitor] = []
        /// Those that want to hear whenever the room is empty.
        var watchers: Set<Visitor> = []
        /// In the order of their coming, in which they are woken up too.
        var listeners: [(visitor: Visitor, wake: @Sendable () -> Void)] = []

        func outlook(for visitor: Visitor) -> Outlook {
            if isTaken { return .closed }
            if let first = line.first { return first == visitor && inside == 0 ? .empty : .closed }
            return inside == 0 ? .empty : .shared
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameter wake: Called whenever a visitor that was refused may try again.
    package func join(_ visitor: Visitor, wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append((visitor, wake)) }
    }

    package func part(_ visitor: Visitor) {
        state.withLock { state in
            state.listeners.removeAll { $0.visitor == visitor }
            state.watchers.remove(visitor)
        }
        leaveLine(visitor)
    }

    package func outlook(for visitor: Visitor) -> Outlook {
        state.withLock { $0.outlook(for: visitor) }
    }

    /// Whether a handler may start now; ``leave()`` must follow its end.
    package func enter(_ visitor: Visitor, alone: Bool) -> Bool {
        state.withLock { state in
            switch state.outlook(for: visitor) {
            case .closed: return false
            case .shared where alone: return false
            // Who is in line has made room to be alone.
            case .empty where !alone && !state.line.isEmpty: return false
            case .empty, .shared: break
            }
            if alone {
                state.isTaken = true
                state.line.removeAll { $0 == visitor }
            }
            state.inside += 1
            return true
        }
    }

    package func leave() {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            state.inside -= 1
            guard state.inside == 0 else { return [] }
            let isNews = state.isTaken || !state.line.isEmpty || !state.watchers.isEmpty
            state.isTaken = false
            return isNews ? state.listeners.map(\.wake) : []
        }
        for wake in listeners { wake() }
    }

    /// Waits to be alone, behind those that do so already.
    package func getInLine(_ visitor: Visitor) {
        state.withLock { state in
            if !state.line.contains(visitor) { state.line.append(visitor) }
        }
    }

    /// It need not be alone any more.
    package func leaveLine(_ visitor: Visitor) {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            guard let place = state.line.firstIndex(of: visitor) else { return [] }
            state.line.remove(at: place)
            return state.listeners.map(\.wake)
        }
        for wake in listeners { wake() }
    }

    /// - Parameter watches: Whether to wake the visitor whenever the last handler has left.
    package func watch(_ visitor: Visitor, _ watches: Bool) {
        state.withLock { state in
            if watches { state.watchers.insert(visitor) } else { state.watchers.remove(visitor) }
        }
    }
}
