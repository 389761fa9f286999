import StintCore
import Synchronization

/// Whether a mail server can be used, as this process has found. While it cannot, one message after the other tries it,
/// after growing delays, and all others wait.
final class ServerHealth: Sendable {
    /// Between two tries.
    static let backoff = Backoff(first: .seconds(1), longest: .seconds(60))

    private struct State {
        var backoff = BackoffCounter(ServerHealth.backoff)
        /// When it may be tried again; `nil` if it can be used.
        var nextTry: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// Asks whether the server may be used now. If it may be tried again, only the first one who asks may.
    ///
    /// - Returns: `nil`, or how long to wait before asking again.
    func waitingTime(at now: ContinuousClock.Instant = .now) -> Duration? {
        state.withLock { state in
            guard let next = state.nextTry else { return nil }
            guard next <= now else { return next - now }
            state.nextTry = now + state.backoff.next()
            return nil
        }
    }

    /// The server has answered, whatever it said.
    func works() {
        state.withLock { $0 = State() }
    }

    /// The server could not be used.
    ///
    /// - Returns: How long to wait before it is tried again.
    func fails(at now: ContinuousClock.Instant = .now) -> Duration {
        state.withLock { state in
            // Several messages find it at once.
            if let next = state.nextTry, next > now { return next - now }
            let delay = state.backoff.next()
            state.nextTry = now + delay
            return delay
        }
    }
}
