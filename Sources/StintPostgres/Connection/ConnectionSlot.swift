import Dispatch
import StintCore
import StintPlatform

/// A place for a connection.
///
/// Only on the reactor's thread, in its pool.
final class ConnectionSlot {
    enum State {
        case closed
        case connecting
        case open(ServerConnection)
    }

    var state = State.closed
    /// When it may connect again.
    private(set) var retryAt = ContinuousClock.now
    private var backoff: BackoffCounter
    /// Connecting blocks: a thread for each.
    let thread = DispatchQueue(label: "stint.postgres.connect")

    init(_ backoff: Backoff) { self.backoff = BackoffCounter(backoff) }

    var connection: ServerConnection? {
        if case .open(let connection) = state { connection } else { nil }
    }

    var isConnecting: Bool {
        if case .connecting = state { true } else { false }
    }

    func open(_ connection: ServerConnection) {
        state = .open(connection)
        backoff.reset()
    }

    /// After a connection was closed that was of no use. The next one may be made at once.
    func close() { state = .closed }

    /// After a connection could not be made, or was lost.
    func wait() {
        state = .closed
        retryAt = .now + backoff.next()
    }

    /// When it is to connect, if somebody needs it.
    var isDueAt: ContinuousClock.Instant? {
        if case .closed = state { retryAt } else { nil }
    }
}
