import StintCore

/// Sends messages to one mail server over connections that are kept and reused.
public actor SMTPTransport {
    public nonisolated let server: SMTPServer
    /// The most connections at a time.
    public nonisolated let maxConnections: Int
    nonisolated let health = ServerHealth()
    private var idle: [SMTPConnection] = []
    private var count = 0
    private var waiting: [CheckedContinuation<SMTPConnection, Never>] = []

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
        let lines = MailLines.withCRLF(message)
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
        let connection = await take()
        let result = await body(connection)
        give(connection)
        return try result.get()
    }

    private func take() async -> SMTPConnection {
        if let connection = idle.popLast() { return connection }
        if count < maxConnections {
            count += 1
            return SMTPConnection(server)
        }
        return await withCheckedContinuation { waiting.append($0) }
    }

    private func give(_ connection: SMTPConnection) {
        guard waiting.isEmpty else { return waiting.removeFirst().resume(returning: connection) }
        idle.append(connection)
    }

    /// Ends the connections that are not in use.
    public func closeIdle() {
        count -= idle.count
        idle = []
    }
}
