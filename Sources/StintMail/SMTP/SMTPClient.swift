import Dispatch
import StintCore
import StintPlatform

/// A connection that is kept from one message to the next, and made again if it was lost.
///
/// Its work blocks, so it has a thread of its own meanwhile: all of it runs on `queue`, which serialises it.
final class SMTPClient: @unchecked Sendable {
    private let server: SMTPServer
    private let queue = DispatchQueue(label: "stint.mail.smtp")
    private var connection: SMTPConnection?
    /// When it was used last.
    private var lastUse = ContinuousClock.now

    init(_ server: SMTPServer) {
        self.server = server
    }

    deinit {
        guard let connection else { return }
        let last = LastUse(connection: connection)
        queue.async { BrokenPipes.blocked { last.connection.quit() } }
    }

    /// Carries a connection to the queue, which is the only one to use it then.
    private struct LastUse: @unchecked Sendable { let connection: SMTPConnection }

    /// Runs on the connection's thread.
    func run(_ body: @escaping @Sendable () -> Void) {
        queue.async { BrokenPipes.blocked(body) }
    }

    // MARK: - On the queue

    /// The next message, taken while one is sent.
    private struct Follower {
        let delivery: SMTPDelivery
        /// Begun, if its first commands went out with the message before; else `nil`.
        let transaction: SMTPTransaction?
    }

    /// Sends a message, and those that follow it.
    ///
    /// - Parameter next: Takes the next message that waits for a connection. Its commands go out together with the end of the
    ///   message before, if the server offers PIPELINING.
    /// - Returns: A closure that gives the last message's result to its caller, to be called when this client is free for others.
    func deliver(_ first: SMTPDelivery, next: () -> SMTPDelivery?) -> @Sendable () -> Void {
        var delivery = first
        var transaction: SMTPTransaction?
        while true {
            var follower: Follower?
            let result = deliver(delivery, begun: transaction, &follower, next)
            guard let found = follower else { return { [delivery] in delivery.finish(result) } }
            delivery.finish(result)
            delivery = found.delivery
            // Its commands were lost with the connection; the server has nothing of it.
            transaction = connection == nil ? nil : found.transaction
        }
    }

    private func deliver(
        _ delivery: SMTPDelivery, begun: SMTPTransaction?, _ follower: inout Follower?, _ next: () -> SMTPDelivery?
    ) -> Result<SMTPReceipt, SMTPFailure> {
        let end = ContinuousClock.now + server.messageTimeout
        var begun = begun
        while true {
            let (connection, isReused): (SMTPConnection, Bool)
            switch connected(delivery.cancellation, until: end) {
            case .success(let found): (connection, isReused) = found
            case .failure(let failure): return .failure(failure)
            }
            if !isReused { begun = nil }
            for one in delivery.needed where !connection.capabilities.contains(one.rawValue) {
                return .failure(one.missing(at: server))
            }
            var transaction = begun ?? delivery.transaction(connection)
            begun = nil
            var problem: SMTPProblem?
            do throws(SMTPProblem) {
                try talk(connection, &transaction, delivery, until: end, &follower, next)
            } catch {
                problem = error
            }
            lastUse = .now
            let exchange = SMTPExchange(transaction: transaction, isReused: isReused, problem: problem)
            if !exchange.keepsConnection {
                if problem == nil, transaction.isComplete { connection.quit() }
                self.connection = nil
            }
            if !exchange.isStale { return exchange.result(delivery.envelope, server) }
        }
    }

    private func talk(
        _ connection: SMTPConnection, _ transaction: inout SMTPTransaction, _ delivery: SMTPDelivery,
        until end: ContinuousClock.Instant, _ follower: inout Follower?, _ next: () -> SMTPDelivery?
    ) throws(SMTPProblem) {
        while true {
            switch transaction.next() {
            case .send(let commands): try connection.send(commands, until: end, delivery.cancellation)
            case .sendContent:
                var bytes = SMTPContent.bytes(of: delivery.message, roomFor: SMTPTransaction.largestGroup)
                let count = bytes.count
                bytes += firstCommands(after: count, connection, &follower, next)
                do throws(SMTPProblem) {
                    try connection.send(bytes, message: count, until: end, delivery.cancellation)
                } catch {
                    if error.sentBytes >= count {
                        transaction.contentWasSent()
                        // Its answer may be here already: the server has ended the connection after it.
                        let soon = ContinuousClock.now + .seconds(1)
                        if let reply = try? connection.receive(until: soon, nil) { transaction.answered(reply) }
                    }
                    throw error
                }
                transaction.contentWasSent()
            case .wait:
                // Once the server may have the message, only its answer says whether it has.
                let reply = try connection.receive(until: end, transaction.isContentSent ? nil : delivery.cancellation)
                transaction.answered(reply)
            case .done: return
            }
        }
    }

    /// The commands of the next message that waits, if they may go out together with the end of this one (RFC 2920, 3.1).
    private func firstCommands(
        after count: Int, _ connection: SMTPConnection, _ follower: inout Follower?, _ next: () -> SMTPDelivery?
    ) -> [UInt8] {
        guard connection.isPipelining, count <= Self.largestContentWithMore, let delivery = next() else {
            return []
        }
        var transaction = delivery.transaction(connection)
        guard delivery.needed.allSatisfy({ connection.capabilities.contains($0.rawValue) }),
            case .send(let commands) = transaction.next()
        else {
            follower = Follower(delivery: delivery, transaction: nil)
            return []
        }
        follower = Follower(delivery: delivery, transaction: transaction)
        return commands
    }

    /// The next message does not wait for a large one on the same connection.
    private static let largestContentWithMore = 65_536

    /// Connects, if it is not connected, and asks for a sign of life.
    ///
    /// - Returns: What the server says that it can.
    func check(_ cancellation: SMTPCancellation) -> Result<Set<String>, SMTPFailure> {
        let end = ContinuousClock.now + server.messageTimeout
        while true {
            let (connection, isReused): (SMTPConnection, Bool)
            switch connected(cancellation, until: end) {
            case .success(let found): (connection, isReused) = found
            case .failure(let failure): return .failure(failure)
            }
            var reply: SMTPReply?
            var problem: SMTPProblem?
            do throws(SMTPProblem) {
                try connection.send(Array("NOOP\r\n".utf8), until: end, cancellation)
                reply = try connection.receive(until: end, cancellation)
            } catch {
                problem = error
            }
            // Any answer is a sign of life, but for one that ends the connection.
            lastUse = .now
            if let reply, reply.code != 421 { return .success(connection.capabilities) }
            self.connection = nil
            if problem?.isCancellation == true {
                return .failure(SMTPFailure(.cancelled, "the look at \(server.host) was cancelled"))
            }
            // The server has closed the connection since it was used.
            if isReused { continue }
            return .failure(
                SMTPFailure(
                    .unreachable,
                    "the mail server \(server) cannot be used: \(reply.map { "\($0)" } ?? problem?.text ?? "")",
                    reply: reply))
        }
    }

    /// A connection that has been idle for longer may have vanished without a word: a firewall has forgotten it.
    private static let longestIdle: Duration = .seconds(100)

    /// - Returns: Also whether the connection was there from an earlier use.
    private func connected(
        _ cancellation: SMTPCancellation, until end: ContinuousClock.Instant
    ) -> Result<(SMTPConnection, isReused: Bool), SMTPFailure> {
        if let connection, .now - lastUse < Self.longestIdle { return .success((connection, isReused: true)) }
        connection?.quit()
        connection = nil
        return SMTPConnector.connect(to: server, until: end, cancellation).map { made in
            (connection, lastUse) = (made, .now)
            return (made, isReused: false)
        }
    }
}
