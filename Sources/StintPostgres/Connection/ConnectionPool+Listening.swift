import StintCore
import StintPlatform

extension ConnectionPool {
    func listen(to channel: String, _ continuation: AsyncStream<String>.Continuation) {
        guard !isClosed else { return continuation.finish() }
        let number = listener.add(channel, continuation)
        continuation.onTermination = { [weak self] _ in
            Task { await self?.unlisten(channel, number) }
        }
        if let connection = listener.slot.connection {
            listen(to: [channel], on: connection)
        } else {
            connectListener()
        }
    }

    private func unlisten(_ channel: String, _ number: Int) {
        guard listener.remove(channel, number), let connection = listener.slot.connection else { return }
        if listener.isEmpty {
            closeListener()
        } else {
            connection.send(PipelineEntry(PipelineRequest("UNLISTEN \(Self.quotedName(channel))", .reading), nil))
        }
    }

    func closeListener() {
        listener.finish()
        guard let connection = listener.slot.connection else { return }
        connection.lose("the connections were closed")
        connection.close()
        listener.slot.state = .closed
    }

    private func connectListener() {
        guard !listener.isEmpty, let time = listener.slot.isDueAt, time <= .now else { return }
        listener.slot.state = .connecting
        let servers = listener.server.trying(last: silentServer)
        Task {
            let result = await servers.connect(options.allSettings, on: listener.slot.thread)
            switch result {
            case .success(let opened):
                guard !listener.isEmpty else {
                    listener.slot.state = .closed
                    return opened.close()
                }
                let connection = ServerConnection(opened, preparesByName: false)
                listener.slot.open(connection)
                listen(to: listener.channels, on: connection)
            case .failure(let error):
                listener.slot.wait()
                report("PostgreSQL cannot be listened to; trying again", error.description)
            }
        }
    }

    /// Those who listen are told when it has begun, since they may have missed what was sent before.
    private func listen(to channels: [String], on connection: ServerConnection) {
        let sql = channels.map { PostgresStatement("LISTEN \(Self.quotedName($0))", isRare: true) }
        guard let request = try? PipelineRequest(sql, .reading) else { return }
        Task {
            let outcome = await withCheckedContinuation { continuation in
                connection.send(PipelineEntry(request, continuation))
            }
            switch outcome {
            case .rows: for channel in channels { listener.yield("", to: channel) }
            case .refused(let error): report("PostgreSQL cannot be listened to", "\(error)")
            // Then it begins again with the next connection.
            case .lost, .failed, .notReplicated: break
            }
        }
    }

    /// - Parameter happened: What poll(2) says of each descriptor.
    func serveListener(_ happened: [Int32: Int16]) {
        guard let connection = listener.slot.connection else { return connectListener() }
        if happened[connection.descriptor.fd, default: 0] != 0 { connection.serve() }
        for (channel, text) in connection.notifications() { listener.yield(text, to: channel) }
        let isOverdue = connection.deadline(options).map { $0 <= .now } ?? false
        guard connection.isBroken || isOverdue else { return }
        loseListener(connection)
    }

    func loseListener(_ connection: ServerConnection) {
        report("the connection that listens to PostgreSQL was lost", connection.lossReason)
        listener.slot.wait()
        connection.lose(nil)
        connection.close()
    }

    private static func quotedName(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
}
