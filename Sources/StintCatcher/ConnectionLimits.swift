import NIOCore
import StintSMTP

/// What all connections may take together. Used on the event loop only.
///
/// `@unchecked Sendable`: the event loop serialises every use.
final class ConnectionLimits: @unchecked Sendable {
    private let mostConnections: Int
    private let mostBytes: Int
    private var open: [ObjectIdentifier: any Channel] = [:]
    /// Bytes of mails that are being received.
    private var bytes = 0

    init(connections: Int, bytes: Int) {
        mostConnections = connections
        mostBytes = bytes
    }

    /// - Returns: Whether there is a place for it.
    func add(_ channel: any Channel) -> Bool {
        guard open.count < mostConnections else { return false }
        open[ObjectIdentifier(channel)] = channel
        return true
    }

    func remove(_ channel: any Channel) { open[ObjectIdentifier(channel)] = nil }

    /// Takes note of how much is received of one mail.
    ///
    /// - Returns: Whether there is room for it. There always is for the only one.
    func change(from before: Int, to now: Int) -> Bool {
        guard now <= before || bytes == before || bytes - before + now <= mostBytes else { return false }
        bytes += now - before
        return true
    }

    func closeAll(on loop: any EventLoop) async {
        let closed = loop.flatSubmit {
            let channels = Array(self.open.values)
            for channel in channels { channel.close(promise: nil) }
            return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: loop)
        }
        do { try await closed.get() } catch {}
    }
}
