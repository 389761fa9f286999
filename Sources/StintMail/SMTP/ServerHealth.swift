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
        /// How often it was there, for a message or a look at it.
        var answers = 0
        /// Jobs whose messages it ended at once, with the number of its answers until then.
        var suspects: [JobID: Int] = [:]
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

    /// The server was looked at without a message, and is there. The next failure waits as if it had not been.
    func isThere() {
        state.withLock { state in
            state.nextTry = nil
            state.answers += 1
        }
    }

    /// The server has ended this job's message at once.
    ///
    /// - Returns: Whether the message is to blame: it is not the first time, and the server was there in between. Only one
    ///   message is blamed until the server is there again.
    func blames(_ job: JobID) -> Bool {
        state.withLock { state in
            let answers = state.answers
            if let then = state.suspects[job], then < answers {
                state.suspects[job] = nil
                state.suspects = state.suspects.mapValues { _ in answers }
                return true
            }
            if state.suspects.count >= 1_000 { state.suspects = [:] }
            state.suspects[job] = answers
            return false
        }
    }

    /// The server has answered a message, whatever it said.
    func works() {
        state.withLock { state in
            state.backoff.reset()
            state.nextTry = nil
            state.answers += 1
        }
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
