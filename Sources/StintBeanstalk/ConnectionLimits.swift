import NIOCore

/// What all connections may take together. Used on the event loop only.
///
/// `@unchecked Sendable`: the event loop serialises every use.
final class ConnectionLimits: @unchecked Sendable {
    /// The most bytes of bodies that are being received, or wait to be stored.
    private static let mostBodies = 512 * 1_024 * 1_024

    private struct Connection {
        let channel: any Channel
        /// How many bytes of replies wait for its client, when that was last noted.
        var unsent = 0
        /// Since when there were some.
        var waitsSince = NIODeadline.distantPast
    }

    private let broker: Broker
    private var options: JobServer.Options { broker.options }
    private let most: Int
    private var open: [ObjectIdentifier: Connection] = [:]
    private var bodies = 0
    private var unsent = 0

    init(most: Int, _ broker: Broker) {
        self.most = most
        self.broker = broker
    }

    /// - Returns: Whether there is a place for it.
    func add(_ channel: any Channel) -> Bool {
        guard open.count < most else { return false }
        open[ObjectIdentifier(channel)] = Connection(channel: channel)
        return true
    }

    func remove(_ channel: any Channel) {
        guard let connection = open.removeValue(forKey: ObjectIdentifier(channel)) else { return }
        unsent -= connection.unsent
    }

    func closeAll(on loop: any EventLoop) async {
        let closed = loop.flatSubmit {
            let channels = self.open.values.map(\.channel)
            for channel in channels { channel.close(promise: nil) }
            return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: loop)
        }
        do { try await closed.get() } catch {}
    }

    // MARK: - Bodies

    /// - Parameter waiting: How many bytes have been received, and wait to be stored.
    /// - Returns: Whether there is room for the body. One is always received.
    func takeBody(_ count: Int, beside waiting: Int) -> Bool {
        guard bodies + waiting == 0 || bodies + waiting + count <= Self.mostBodies else { return false }
        bodies += count
        return true
    }

    func giveBody(_ count: Int) { bodies -= count }

    // MARK: - Replies

    /// Takes note of what waits for a connection's client to read it. If all connections have too much, those are closed
    /// whose replies have waited longest: a client that reads is never among them for long.
    func note(unsent count: Int, of channel: any Channel) {
        note(count, ObjectIdentifier(channel))
        guard unsent > options.maximumUnsentBytes else { return }
        // Some have been sent since they were noted.
        for (id, connection) in open where connection.unsent > 0 { note(connection.channel.unsentBytes, id) }
        guard unsent > options.maximumUnsentBytes else { return }
        var closed = 0
        for (id, connection) in open.sorted(by: { $0.value.waitsSince < $1.value.waitsSince })
        where connection.unsent > 0 {
            // A quarter at once, so that this is not done for each reply.
            if unsent <= options.maximumUnsentBytes / 4 * 3 { break }
            note(0, id)
            closed += 1
            // Not within the call of one of them.
            connection.channel.eventLoop.execute { connection.channel.close(promise: nil) }
        }
        broker.assumeIsolated { [closed] in
            $0.report(.unreadReplies, ["closed": "\(closed)", "limit": "\(options.maximumUnsentBytes) bytes"])
        }
    }

    private func note(_ count: Int, _ id: ObjectIdentifier) {
        guard let before = open[id]?.unsent else { return }
        if before == 0 { open[id]!.waitsSince = .now() }
        unsent += count - before
        open[id]!.unsent = count
    }
}

extension Channel {
    /// How many bytes were written and are not sent yet; on the event loop only.
    var unsentBytes: Int {
        // A channel that is closed has none.
        do { return try syncOptions?.getOption(.bufferedWritableBytes) ?? 0 } catch { return 0 }
    }
}
