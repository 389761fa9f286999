import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import StintCore
import StintPlatform

/// A server of a queue's dashboard, API and metrics.
public struct WebServer: Service {
    /// The most connections at a time, if the process may have that many descriptors open. A further one replaces the
    /// one that has waited longest without a whole request.
    public static let maximumConnections = 12_000
    /// How many connections may come at once before others are closed for them.
    private static let spareConnections = 64
    /// A connection that sends no part of a request for so long is closed.
    static let idleTimeout: TimeAmount = .seconds(60)

    private let host: String
    private let port: Int
    private let dashboard: Dashboard
    private let onListening: @Sendable (_ address: String) async -> Void

    /// - Parameters:
    ///   - host: An IP address, or `localhost`.
    ///   - port: 0: any free one.
    ///   - onListening: Called with the address when requests are accepted.
    /// - Throws: ``StintError`` with the code `invalidInput` if other machines can reach the address, and everybody could
    ///   change jobs.
    public init(
        host: String, port: Int, dashboard: Dashboard,
        onListening: @escaping @Sendable (_ address: String) async -> Void = { _ in }
    ) throws {
        self.host = host
        self.port = port
        self.dashboard = dashboard
        self.onListening = onListening
        let address: SocketAddress
        do {
            address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw StintError.invalidInput(
                "\(quoted(host)) is no address of this machine; expected one such as 127.0.0.1")
        }
        guard LoopbackAddress.contains(address.ipAddress) || dashboard.options.access.isSafeForNetworks else {
            throw StintError.invalidInput(
                "other machines can reach \(host), and everybody there could change jobs: name the users with --auth-file, or start it with --read-only"
            )
        }
    }

    /// How many connections there may be if this process may have so many descriptors open.
    static func connections(descriptors: Int?) -> Int {
        ResourceLimit.connections(atMost: maximumConnections, descriptors: descriptors)
    }

    public func run() async throws {
        let router = Router(context: WebContext.self)
        dashboard.addRoutes(to: router)
        // What no route has.
        router.on("**", method: .get) { request, _ -> Response in
            var response = Response.json(
                WebError.noPage(request.uri.path).problem, status: .notFound, type: "application/problem+json")
            SecurityHeaders.add(to: &response.headers)
            return response
        }
        let most = Self.connections(descriptors: ResourceLimit.openFilesLimit)
        let table = ConnectionTable(most: max(1, most - Self.spareConnections))
        var configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionHandler(table)], idleTimeout: Self.idleTimeout)
        configuration.httpDecoder = .init(
            maxHeaderFieldSize: 8_192, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100)
        let onListening = onListening
        let host = host
        var logger = dashboard.options.logger
        // It logs each connection that breaks.
        logger.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            router: router, server: .http1(configuration: configuration),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: nil, backlog: 1_024,
                availableConnectionsDelegate: MaximumAvailableConnections(most)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port.map { ":\($0)" } ?? ""
                await onListening((host.contains(":") ? "[\(host)]" : host) + port)
            }, logger: logger)
        try await withGracefulShutdownHandler {
            try await application.run()
        } onGracefulShutdown: {
            // Requests that have come are answered; halves of requests are not waited for.
            table.closeWaiting()
        }
    }
}

/// A request's context that knows its connection.
struct WebContext: RequestContext, ConnectionContext {
    var coreContext: CoreRequestContextStorage
    let peer: String?
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
        peer = channel.remoteAddress?.ipAddress
    }

    var maxUploadSize: Int { WebRequest.maximumFormBytes }

    func whenClosed(_ call: @escaping @Sendable () -> Void) {
        channel.eventLoop.execute { [channel] in
            guard channel.isActive else { return call() }
            do {
                try channel.pipeline.syncOperations.handler(type: ConnectionHandler.self).whenClosed(call)
            } catch {
                channel.closeFuture.whenComplete { _ in call() }
            }
        }
    }
}
