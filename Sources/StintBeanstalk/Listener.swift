import Logging
import NIOCore
import NIOPosix
import StintCore
import StintPlatform
import Synchronization

/// The socket at which a server listens. Clients can connect from its beginning, and are answered when a ``JobServer``
/// serves them: so a program is there for its clients while it opens its database.
public final class Listener: Sendable {
    let address: JobServer.Address
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// On which all connections are.
    let loop: any EventLoop
    private let channel: any Channel
    private let served: Served

    /// Who serves the connections.
    private final class Served: Sendable {
        let broker = Mutex<(Broker, ConnectionLimits)?>(nil)
    }

    /// - Throws: ``StintError`` if the address is none, is taken, or other machines can reach it and that was not allowed.
    public convenience init(at address: JobServer.Address, options: JobServer.Options) async throws {
        try Self.check(address, options)
        try await self.init(at: address, options)
    }

    init(at address: JobServer.Address, _ options: JobServer.Options) async throws {
        self.address = address
        loop = group.next()
        let served = Served()
        self.served = served
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            // Of each of them this much is not in the limit for the replies of all.
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 8_192, high: 16_384))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let (broker, limits) = served.broker.withLock(\.self) else { return }
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(broker, limits))
                }
            }
        do {
            channel = try await Self.bind(bootstrap, address)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    private static func bind(_ bootstrap: ServerBootstrap, _ address: JobServer.Address) async throws -> any Channel {
        switch address {
        case .host(let host, let port):
            do {
                return try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                    // As beanstalkd: a client whose machine is gone does not keep its jobs for ever.
                    .childChannelOption(.socketOption(.so_keepalive), value: 1)
                    .bind(host: host, port: port).get()
            } catch {
                throw StintError(
                    .processFailed, "cannot listen at \(host):\(port): \(error); is another server there already?")
            }
        case .unix(let path):
            try await UnixSocketFile.removeStale(path)
            // A socket has its mode from its first moment.
            let mask = umask(0o177)
            defer { umask(mask) }
            do {
                return try await bootstrap.bind(unixDomainSocketPath: path).get()
            } catch {
                throw StintError(
                    .processFailed,
                    "cannot listen at \(quoted(path)): \(error); is the folder there, and may this user write to it?")
            }
        }
    }

    /// For people: `127.0.0.1:11300`.
    var name: String {
        switch address {
        case .unix(let path): "unix:\(path)"
        case .host(let host, let port):
            "\(host.contains(":") ? "[\(host)]" : host):\(channel.localAddress?.port ?? port)"
        }
    }

    func accept(_ broker: Broker, _ limits: ConnectionLimits) async throws {
        served.broker.withLock { $0 = (broker, limits) }
        try await channel.setOption(.autoRead, value: true).get()
        channel.read()
    }

    func stopListening() { channel.close(promise: nil) }

    func untilClosed() async {
        // The future of a channel's end does not fail.
        do { try await channel.closeFuture.get() } catch {}
    }

    /// Ends it, and removes the file of a Unix socket.
    public func close() async throws {
        stopListening()
        await untilClosed()
        if case .unix(let path) = address { unlink(path) }
        try await group.shutdownGracefully()
    }

    // MARK: - Addresses

    static func check(_ address: JobServer.Address, _ options: JobServer.Options) throws {
        guard case .host(let host, let port) = address else { return }
        try AddressReach.check(
            host, port, allowsRemote: options.allowsRemote,
            refusal: "beanstalkd's protocol has no passwords: everybody there could read, change and delete jobs",
            warning: ", and beanstalkd's protocol has no passwords: everybody there can read, change and delete jobs",
            options.logger
        ) { try SocketAddress.makeAddressResolvingHost(host, port: port).ipAddress }
    }
}

/// The file of a Unix socket.
private enum UnixSocketFile {
    /// Removes a socket at which no server listens.
    ///
    /// - Throws: ``StintError`` if something else is there.
    static func removeStale(_ path: String) async throws {
        var info = stat()
        guard lstat(path, &info) == 0 else { return }
        guard info.st_mode & S_IFMT == S_IFSOCK else {
            throw StintError.invalidInput("\(quoted(path)) is no socket; expected the path of one, or of nothing")
        }
        let group = MultiThreadedEventLoopGroup.singleton
        if let channel = try? await ClientBootstrap(group: group).connect(unixDomainSocketPath: path).get() {
            channel.close(promise: nil)
            throw StintError(
                .processFailed, "another server listens at \(quoted(path)): end it, or choose another path")
        }
        unlink(path)
    }
}
