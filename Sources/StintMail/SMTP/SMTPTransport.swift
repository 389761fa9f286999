import StintCore
import StintPlatform
import Synchronization

/// Sends messages to one mail server over connections that are kept and reused.
public final class SMTPTransport: Sendable {
    public let server: SMTPServer
    /// The most connections at a time.
    public let maxConnections: Int
    let health = ServerHealth()
    private let state = Mutex(State())

    private struct State {
        var idle: [SMTPClient] = []
        var count = 0
        /// What waits for a connection, oldest first.
        var waiting: [Request] = []
        var lastNumber = 0
    }

    /// Something to do with a connection.
    private struct Request {
        enum Work {
            case message(SMTPDelivery)
            case look(SMTPCancellation, @Sendable (Result<Set<String>, SMTPFailure>) -> Void)
        }

        let number: Int
        let work: Work

        var cancellation: SMTPCancellation {
            switch work {
            case .message(let delivery): delivery.cancellation
            case .look(let cancellation, _): cancellation
            }
        }

        func fail(_ failure: SMTPFailure) {
            switch work {
            case .message(let delivery): delivery.finish(.failure(failure))
            case .look(_, let finish): finish(.failure(failure))
            }
        }
    }

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
        let needed = SMTPExtension.needed(lines, envelope)
        return try await use { cancellation, finish in
            .message(
                SMTPDelivery(
                    message: lines, envelope: envelope, needed: needed, cancellation: cancellation, finish: finish))
        }
    }

    /// Connects to the server, with TLS and credentials as usual, and sends nothing.
    ///
    /// - Returns: What the server says that it can, such as `SMTPUTF8`.
    /// - Throws: ``SMTPFailure``.
    @discardableResult
    public func check() async throws -> Set<String> {
        try await use { cancellation, finish in .look(cancellation, finish) }
    }

    /// Ends the connections that are not in use.
    public func closeIdle() {
        let clients = state.withLock { state in
            state.count -= state.idle.count
            defer { state.idle = [] }
            return state.idle
        }
        // Their end is not under the lock.
        withExtendedLifetime(clients) {}
    }

    private func use<Value: Sendable>(
        _ work: (SMTPCancellation, @escaping @Sendable (Result<Value, SMTPFailure>) -> Void) -> Request.Work
    ) async throws -> Value {
        let cancellation = SMTPCancellation()
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(Request(number: number, work: work(cancellation) { continuation.resume(returning: $0) }))
            }
        } onCancel: {
            cancellation.set()
            stopWaiting(number)
        }
        return try result.get()
    }

    /// Gives a request to a connection, or lets it wait for one.
    private func start(_ request: Request) {
        enum Way {
            case client(SMTPClient)
            case wait, cancelled
        }
        let way = state.withLock { state -> Way in
            if let client = state.idle.popLast() { return .client(client) }
            if state.count < maxConnections {
                state.count += 1
                return .client(SMTPClient(server))
            }
            if request.cancellation.isSet { return .cancelled }
            state.waiting.append(request)
            return .wait
        }
        switch way {
        case .client(let client): client.run { self.work(request, client) }
        case .wait: break
        case .cancelled: request.fail(cancelled)
        }
    }

    /// Does the request, and what waits then, on the connection's thread.
    private func work(_ request: Request, _ client: SMTPClient) {
        var next: Request? = request
        while let request = next {
            let tell: @Sendable () -> Void
            switch request.work {
            case .message(let delivery): tell = client.deliver(delivery, next: takeMessage)
            case .look(let cancellation, let finish):
                let result = client.check(cancellation)
                tell = { finish(result) }
            }
            // Other threads may be about to finish a message. If they run first, no thread has to be woken for it, and its commands
            // can go out with the end of another one.
            if state.withLock({ $0.waiting.isEmpty }) { sched_yield() }
            next = state.withLock { state in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.idle.append(client)
                return nil
            }
            // Last, so that what comes next from there finds this connection, and does not make another one.
            tell()
        }
    }

    /// The message that waits for a connection, if one does and nothing else was there before.
    private func takeMessage() -> SMTPDelivery? {
        state.withLock { state in
            guard case .message(let delivery)? = state.waiting.first?.work else { return nil }
            state.waiting.removeFirst()
            return delivery
        }
    }

    private func stopWaiting(_ number: Int) {
        let request = state.withLock { state -> Request? in
            guard let index = state.waiting.firstIndex(where: { $0.number == number }) else { return nil }
            return state.waiting.remove(at: index)
        }
        request?.fail(cancelled)
    }

    private var cancelled: SMTPFailure {
        SMTPFailure(.cancelled, "the delivery was cancelled before a connection to \(server.host) was free")
    }
}
