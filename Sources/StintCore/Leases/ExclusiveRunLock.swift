import Synchronization

/// Who may run handlers in this process: any number at once, or a suspect with nothing beside it. All workers of a store
/// in a process share one, so that a suspect that kills the process is known for certain.
///
/// Who wants to be alone and cannot be may get in line. While somebody is in line nobody new enters, so that the room
/// becomes empty; then it is kept for the first in line until that one has entered or left the line.
package final class ExclusiveRunLock: Sendable {
    /// A worker that asks.
    package typealias Participant = ObjectIdentifier

    /// What a participant would find.
    package enum Outlook: Sendable, Hashable {
        /// Nobody is in it: it may begin, alone too.
        case empty
        /// Others run handlers, or itself: it may begin, but not alone.
        case shared
        /// Nobody may begin: somebody is alone, or is to be next.
        case closed
    }

    private struct State {
        var running = 0
        var isExclusive = false
        /// Those that wait to be alone, in the order of their coming: nobody new enters before them.
        var line: [Participant] = []
        /// Those that want to hear whenever the room is empty.
        var watchers: Set<Participant> = []
        /// In the order of their coming, in which they are woken up too.
        var listeners: [(participant: Participant, wake: @Sendable () -> Void)] = []

        func outlook(for participant: Participant) -> Outlook {
            if isExclusive { return .closed }
            if let first = line.first { return first == participant && running == 0 ? .empty : .closed }
            return running == 0 ? .empty : .shared
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// - Parameter wake: Called whenever a participant that was refused may try again.
    package func register(_ participant: Participant, wake: @escaping @Sendable () -> Void) {
        state.withLock { $0.listeners.append((participant, wake)) }
    }

    package func unregister(_ participant: Participant) {
        state.withLock { state in
            state.listeners.removeAll { $0.participant == participant }
            state.watchers.remove(participant)
        }
        stopWaiting(participant)
    }

    package func outlook(for participant: Participant) -> Outlook {
        state.withLock { $0.outlook(for: participant) }
    }

    /// Whether a handler may start now; ``end()`` must follow its end.
    package func begin(_ participant: Participant, alone: Bool) -> Bool {
        state.withLock { state in
            switch state.outlook(for: participant) {
            case .closed: return false
            case .shared where alone: return false
            // Who is in line has made room to be alone.
            case .empty where !alone && !state.line.isEmpty: return false
            case .empty, .shared: break
            }
            if alone {
                state.isExclusive = true
                state.line.removeAll { $0 == participant }
            }
            state.running += 1
            return true
        }
    }

    package func end() {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            state.running -= 1
            guard state.running == 0 else { return [] }
            let isNews = state.isExclusive || !state.line.isEmpty || !state.watchers.isEmpty
            state.isExclusive = false
            return isNews ? state.listeners.map(\.wake) : []
        }
        for wake in listeners { wake() }
    }

    /// Waits to be alone, behind those that do so already.
    package func waitForExclusive(_ participant: Participant) {
        state.withLock { state in
            if !state.line.contains(participant) { state.line.append(participant) }
        }
    }

    /// It need not be alone any more.
    package func stopWaiting(_ participant: Participant) {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            guard let place = state.line.firstIndex(of: participant) else { return [] }
            state.line.remove(at: place)
            return state.listeners.map(\.wake)
        }
        for wake in listeners { wake() }
    }

    /// - Parameter watches: Whether to wake the participant whenever the last handler has left.
    package func watch(_ participant: Participant, _ watches: Bool) {
        state.withLock { state in
            if watches { state.watchers.insert(participant) } else { state.watchers.remove(participant) }
        }
    }
}
