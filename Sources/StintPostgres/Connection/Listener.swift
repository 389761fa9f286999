import StintCore

/// The connection that listens, and who is told.
///
/// Only on the reactor's thread, in its pool.
final class Listener {
    let server: Server
    let slot: ConnectionSlot
    private var listeners: [String: [Int: AsyncStream<String>.Continuation]] = [:]
    private var lastNumber = 0

    init(_ server: Server, _ options: PostgresConnections.Options) {
        self.server = server
        slot = ConnectionSlot(options.reconnect)
    }

    var channels: [String] { listeners.keys.sorted() }

    var isEmpty: Bool { listeners.isEmpty }

    func add(_ channel: String, _ continuation: AsyncStream<String>.Continuation) -> Int {
        lastNumber += 1
        listeners[channel, default: [:]][lastNumber] = continuation
        return lastNumber
    }

    /// - Returns: Whether it was the last one of the channel.
    func remove(_ channel: String, _ number: Int) -> Bool {
        listeners[channel]?.removeValue(forKey: number)
        guard let rest = listeners[channel], rest.isEmpty else { return false }
        listeners.removeValue(forKey: channel)
        return true
    }

    func finish() {
        for continuation in listeners.values.flatMap(\.values) { continuation.finish() }
        listeners = [:]
    }

    /// Tells those who listen to a channel.
    func yield(_ text: String, to channel: String) {
        for continuation in (listeners[channel] ?? [:]).values {
            // The newest one says then that some are missing.
            if case .dropped = continuation.yield(text) { continuation.yield("") }
        }
    }
}
