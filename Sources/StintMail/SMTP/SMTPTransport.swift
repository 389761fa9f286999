import StintCore

/// Sends messages to one mail server over connections that are kept and reused.
public actor SMTPTransport {
    public nonisolated let server: SMTPServer
    /// The most connections at a time.
    public nonisolated let maxConnections: Int
    nonisolated let health = ServerHealth()
    private var idle: [SMTPConnection] = []
    private var count = 0
    private var waiting: [(number: Int, continuation: CheckedContinuation<SMTPConnection?, Never>)] = []
    private var lastNumber = 0

    /// Connects when there is a message.
    ///
    /// - Parameter maxConnections: At least 1. Servers limit how many a client may have.
    public init(_ server: SMTPServer, maxConnections: Int = 20) {
        precondition(maxConnections >= 1, "a transport needs at least one connection")
        self.server = server
        self.maxConnections = maxConnections
    }

    /// Sends a message, and returns when the server is responsible for it. On cancellation it stops if the server does
    /// not have the whole message yet; otherwise it waits for the answer.
    ///
    /// - Parameter message: As RFC 5322 says; the ends of its lines may be LF.
    /// - Returns: For whom the server has taken it. It may have refused some of the recipients.
    /// - Throws: ``SMTPFailure``.
    public func send(_ message: [UInt8], _ envelope: MailEnvelope) async throws -> SMTPReceipt {
        let lines = MailLines.withCRLF(message, isMessage: true)
        guard !lines.isEmpty, !envelope.recipients.isEmpty else {
            throw SMTPFailure(.permanent, "the message is empty, or has no recipient")
        }
        return try await use { await $0.send(lines, envelope) }
    }

    /// Connects to the server, with TLS and credentials as usual, and sends nothing.
    ///
    /// - Returns: What the server says that it can, such as `SMTPUTF8`.
    /// - Throws: ``SMTPFailure``.
    @discardableResult
    public func check() async throws -> Set<String> {
        try await use { await $0.check() }
    }

    private func use<Value: Sendable>(
        _ body: (SMTPConnection) async -> Result<Value, SMTPFailure>
    ) async throws -> Value {
        let connection = try await take()
        let result = await body(connection)
        give(connection)
        return try result.get()
    }

    /// - Throws: ``SMTPFailure`` if the task was cancelled while it waited.
    private func take() async throws -> SMTPConnection {
        if let connection = idle.popLast() { return connection }
        if count < maxConnections {
            count += 1
            return SMTPConnection(server)
        }
        lastNumber += 1
        let number = lastNumber
        let connection = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<SMTPConnection?, Never>) in
                if Task.isCancelled {
                    continuation.resume(returning: nil)
                } else {
                    waiting.append((number, continuation))
                }
            }
        } onCancel: {
            Task { await self.stopWaiting(number) }
        }
        guard let connection else {
            throw SMTPFailure(.cancelled, "the delivery was cancelled before a connection to \(server.host) was free")
        }
        return connection
    }

    private func stopWaiting(_ number: Int) {
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
        waiting.remove(at: index).continuation.resume(returning: nil)
    }

    private func give(_ connection: SMTPConnection) {
        guard waiting.isEmpty else { return waiting.removeFirst().continuation.resume(returning: connection) }
        idle.append(connection)
    }

    /// Ends the connections that are not in use.
    public func closeIdle() {
        count -= idle.count
        idle = []
    }
}
