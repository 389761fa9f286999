import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import StintCore
import StintMailbox
import StintPlatform
import StintSMTP

/// A mail server for development: it accepts every mail, and delivers none. They are in its mailbox.
///
/// Nothing here knows who a client is: whoever reaches the address may send mails. See docs/catching-mail.md.
package struct MailServer: Service {
    package struct Options: Sendable {
        package var session = SMTPSession.Options()
        /// Whether other machines may reach the server.
        package var allowsRemote = false
        /// The most connections; more are refused at once.
        package var mostConnections = 200
        /// The most bytes of mails that are being received, of all connections together.
        package var mostUnfinishedBytes = 128 * 1_024 * 1_024
        /// How long a client may take for its next command.
        package var commandTime: TimeAmount = .minutes(5)
        /// How long a client may take to send a mail.
        package var mailTime: TimeAmount = .minutes(10)
        package var logger = Logger(label: "stint.mail")

        package init() {
            session.simulatesFailures = true
            session.acceptsAuthentication = true
        }
    }

    private let mailbox: Mailbox
    private let host: String
    private let port: Int
    private let options: Options
    private let onListening: @Sendable (_ address: String) async -> Void

    /// - Parameters:
    ///   - port: 0: any free one.
    ///   - onListening: Called with the address when connections are accepted.
    /// - Throws: ``StintError`` with the code `invalidInput` if the address is none, or other machines can reach it and
    ///   that was not allowed.
    package init(
        _ mailbox: Mailbox, host: String, port: Int, options: Options = Options(),
        onListening: @escaping @Sendable (_ address: String) async -> Void = { _ in }
    ) throws {
        try Self.check(host, port, options)
        self.mailbox = mailbox
        self.host = host
        self.port = port
        self.options = options
        self.onListening = onListening
    }

    package func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(on: group.next())
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
        try await group.shutdownGracefully()
    }

    private func serve(on loop: any EventLoop) async throws {
        let limits = ConnectionLimits(
            connections: ResourceLimit.connections(
                atMost: options.mostConnections, descriptors: ResourceLimit.openFilesLimit),
            bytes: options.mostUnfinishedBytes)
        let (mailbox, options) = (mailbox, options)
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 8_192, high: 16_384))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(mailbox, options, limits))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(host: host, port: port).get()
        } catch {
            throw StintError(
                .processFailed, "cannot listen at \(host):\(port): \(error); is another server there already?")
        }
        let name = host.contains(":") ? "[\(host)]" : host
        await onListening("\(name):\(channel.localAddress?.port ?? port)")
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                // The future of a channel's end does not fail.
                do { try await channel.closeFuture.get() } catch {}
            } onCancel: {
                channel.close(promise: nil)
            }
        } onGracefulShutdown: {
            channel.close(promise: nil)
        }
        await limits.closeAll(on: loop)
    }

    private static func check(_ host: String, _ port: Int, _ options: Options) throws {
        try AddressReach.check(
            host, port, allowsRemote: options.allowsRemote,
            refusal: "everybody there could send mails to the dashboard",
            warning: ": everybody there can send mails to the dashboard", options.logger
        ) { try SocketAddress.makeAddressResolvingHost(host, port: port).ipAddress }
    }
}
