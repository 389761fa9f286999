import Synchronization

/// A readers-writer lock for the handlers of this process: any number run together, or a suspect runs alone. All
/// workers of a store in a process share one, so that a suspect that kills the process is known for certain.
///
/// A participant that cannot run alone yet may wait in line. While the line is not empty no other begins, so that all
/// handlers end; then the lock is reserved for the first in line until it begins or leaves the line.
///
/// A store creates one when it is opened, and gives it to all workers that it registers
/// (``RegisteredWorker/runLock``); only workers use it.
public final class ExclusiveRunLock: Sendable {
    /// A worker that shares the lock.
    package typealias Participant = ObjectIdentifier

    /// What a participant may do now.
    package enum Outlook: Sendable, Hashable {
        /// No handler runs: it may begin, also alone.
        case empty
        /// Handlers run: it may begin, but not alone.
        case shared
        /// It may not begin: a handler runs alone, or a participant waits in line to run alone.
        case closed
    }

    private struct State {
        var running = 0
        var isExclusive = false
        /// Participants that wait to run alone, in order of arrival. No other begins before them.
        var line: [Participant] = []
        /// Participants to wake whenever no handler runs.
        var watchers: Set<Participant> = []
        /// In order of registration, which is also the order of waking.
        var listeners: [(participant: Participant, wake: @Sendable () -> Void)] = []

        func outlook(for participant: Participant) -> Outlook {
            if isExclusive { return .closed }
            if let first = line.first { return first == participant && running == 0 ? .empty : .closed }
            return running == 0 ? .empty : .shared
        }
    }

    private let state = Mutex(State())

    public init() {}

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

    /// Begins a run if that is possible now. Call ``end()`` when the handler has ended.
    package func begin(_ participant: Participant, alone: Bool) -> Bool {
        state.withLock { state in
            switch state.outlook(for: participant) {
            case .closed: return false
            case .shared where alone: return false
            // The first in line waited to run alone.
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

    /// Puts the participant at the end of the line to run alone.
    package func waitForExclusive(_ participant: Participant) {
        state.withLock { state in
            if !state.line.contains(participant) { state.line.append(participant) }
        }
    }

    /// Removes the participant from the line.
    package func stopWaiting(_ participant: Participant) {
        let listeners = state.withLock { state -> [@Sendable () -> Void] in
            guard let place = state.line.firstIndex(of: participant) else { return [] }
            state.line.remove(at: place)
            return state.listeners.map(\.wake)
        }
        for wake in listeners { wake() }
    }

    /// - Parameter watches: Whether to wake the participant whenever the last handler has ended.
    package func watch(_ participant: Participant, _ watches: Bool) {
        state.withLock { state in
            if watches { state.watchers.insert(participant) } else { state.watchers.remove(participant) }
        }
    }
}
