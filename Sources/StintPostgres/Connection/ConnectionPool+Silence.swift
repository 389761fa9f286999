import Dispatch
import StintCore

/// What is done when one of several servers does not answer: another one may have become the primary, and the old one
/// still take writes. Its commits wait for a standby that follows the new one by now, and it answers reads as if nothing
/// had happened.
extension ConnectionPool {
    /// How long a commit may wait before it is looked whether another server takes writes.
    private static let patience: Duration = .seconds(2)
    private static let lookInterval: Duration = .seconds(1)

    /// When to look whether another server has taken over from the one that a connection waits for.
    func dueLook(_ connection: ServerConnection) -> ContinuousClock.Instant? {
        guard server.hasSeveralHosts, let since = connection.mayCommitSince, let nextLook else { return nil }
        return max(since + Self.patience, nextLook)
    }

    func lookForAnotherPrimary(besides connection: ServerConnection) {
        guard let address = connection.address, let others = server.without(address) else {
            // Such as servers that are named by the environment.
            nextLook = .now + Self.lookInterval
            return
        }
        nextLook = nil
        Task { looked(address, await others.connect([], on: lookThread)) }
    }

    private func looked(_ address: Server.Address, _ found: Result<OpenedConnection, StintError>) {
        nextLook = .now + Self.lookInterval
        guard case .success(let other) = found else { return }
        other.close()
        for slot in slots {
            guard let connection = slot.connection, connection.address == address,
                let since = connection.mayCommitSince, since + Self.patience <= .now
            else { continue }
            lose(slot, connection, "its commit waited, and another server has become the primary")
        }
        avoid(address)
    }

    /// Gives up all connections to a server that wait for nothing, and tries the others first. If none of them takes
    /// writes, the same one is connected to again.
    func avoid(_ address: Server.Address?) {
        guard let address, server.hasSeveralHosts else { return }
        silentServer = address
        for slot in slots {
            guard let connection = slot.connection, connection.address == address, connection.inFlight.isEmpty,
                connection.lease == nil
            else { continue }
            lose(slot, connection, "the server did not answer on another connection, and this one was closed")
        }
        if let connection = listener.slot.connection, connection.address == address { loseListener(connection) }
    }
}
