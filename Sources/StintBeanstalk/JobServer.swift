import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import StintCore
import StintPlatform
import Synchronization

/// Serves beanstalkd's protocol in front of a queue: its tubes are the queues of the store.
///
/// Nothing here knows who a client is: whoever reaches the address may do everything. See docs/beanstalkd.md.
public struct JobServer: Service {
    public struct Options: Sendable {
        /// The most bytes of a job.
        public var largestJob = 65_535
        /// A job is buried after its client was lost, or did not finish it in time, this many times; `nil`: never.
        public var maxCrashes: Int? = 10
        /// Whether other machines may reach the server. The protocol has no passwords.
        public var allowsRemote = false
        /// The most connections; more are closed at once.
        public var maximumConnections = 12_000
        /// What `stats` says of a log's files, which do not exist here.
        public var binlogSize = 10_485_760
        public var logger = Logger(label: "stint.beanstalk")

        public init() {}
    }

    /// Where a server listens.
    public enum Address: Sendable, Hashable {
        /// An IP address, or `localhost`. Port 0: any free one.
        case host(String, port: Int)
        /// A Unix socket, which only this user can use. A stale one is replaced.
        case unix(path: String)
    }

    /// How many descriptors are left to the store and all else.
    private static let otherDescriptors = 256

    private let queue: JobQueue<AnyJobStore>
    private let address: Address
    private let options: Options
    private let control = ServerControl()
    private let onListening: @Sendable (_ address: String) async -> Void

    /// - Parameter onListening: Called with the address when connections are accepted.
    /// - Throws: ``StintError`` with the code `invalidInput` if the address is none, or other machines can reach it and
    ///   that was not allowed.
    public init<Store>(
        _ queue: JobQueue<Store>, at address: Address, options: Options = Options(),
        onListening: @escaping @Sendable (_ address: String) async -> Void = { _ in }
    ) throws {
        let store: any JobStore = queue.store
        self.queue = JobQueue(store: store as? AnyJobStore ?? AnyJobStore(store, address: ""))
        self.address = address
        self.options = options
        self.onListening = onListening
        guard case .host(let host, let port) = address else { return }
        let resolved: SocketAddress
        do {
            resolved = try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw StintError.invalidInput(
                "\(quoted(host)) is no address of this machine; expected one such as 127.0.0.1")
        }
        guard !Self.isLoopback(resolved) else { return }
        guard options.allowsRemote else {
            throw StintError.invalidInput(
                "other machines can reach \(host), and beanstalkd's protocol has no passwords: everybody there could read, "
                    + "change and delete jobs; expected an address such as 127.0.0.1, or --allow-remote")
        }
        options.logger.warning(
            "other machines can reach this address, and beanstalkd's protocol has no passwords: everybody there can read, change and delete jobs",
            metadata: ["address": "\(host):\(port)"])
    }

    private static func isLoopback(_ address: SocketAddress) -> Bool {
        switch address.ipAddress {
        case "::1"?: true
        case let text?: text.hasPrefix("127.")
        case nil: false
        }
    }

    /// From now on no job is put; everything else goes on. For the end of a server.
    public func drain() { control.drain() }

    public func run() async throws {
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
        var options = Broker.Options()
        options.largestJob = self.options.largestJob
        options.maxCrashes = self.options.maxCrashes
        options.logger = self.options.logger
        options.binlogSize = self.options.binlogSize
        let broker = Broker(queue, on: loop, options: options)
        // What an earlier server held is ready before the first client asks.
        _ = try await queue.store.reclaimDead()
        try await broker.register()
        try await broker.countJobs()
        let limits = ConnectionLimits(
            most: Self.connections(self.options.maximumConnections), largestJob: options.largestJob)
        let channel = try await bind(on: loop, broker, limits)
        control.begin(broker)
        await onListening(name(of: channel))
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { tasks in
                tasks.addTask { await broker.listen() }
                tasks.addTask {
                    while !Task.isCancelled {
                        await broker.keepLeases()
                        // Cancelled at the end.
                        do { try await Task.sleep(for: Broker.lease / 4) } catch { return }
                    }
                }
                await withTaskCancellationHandler {
                    do { try await channel.closeFuture.get() } catch {}
                } onCancel: {
                    channel.close(promise: nil)
                }
                tasks.cancelAll()
            }
        } onGracefulShutdown: {
            channel.close(promise: nil)
        }
        await broker.stop()
        await limits.closeAll(on: loop)
        if case .unix(let path) = address { unlink(path) }
    }

    private static func connections(_ most: Int) -> Int {
        guard let descriptors = ResourceLimit.openFilesLimit else { return most }
        return max(16, min(most, max(descriptors - otherDescriptors, descriptors / 2)))
    }

    private func name(of channel: any Channel) -> String {
        switch address {
        case .unix(let path): "unix:\(path)"
        case .host(let host, let port):
            "\(host.contains(":") ? "[\(host)]" : host):\(channel.localAddress?.port ?? port)"
        }
    }

    private func bind(on loop: any EventLoop, _ broker: Broker, _ limits: ConnectionLimits) async throws -> any Channel
    {
        let bootstrap = ServerBootstrap(group: loop)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionHandler(broker, limits))
                }
            }
        switch address {
        case .host(let host, let port):
            do {
                return try await bootstrap.childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
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
}

/// How a server that runs is told something.
private final class ServerControl: Sendable {
    private struct State {
        var drains = false
        var broker: Broker?
    }

    private let state = Mutex(State())

    func drain() {
        let broker = state.withLock { state in
            state.drains = true
            return state.broker
        }
        if let broker { Task { await broker.drain() } }
    }

    func begin(_ broker: Broker) {
        let drains = state.withLock { state in
            state.broker = broker
            return state.drains
        }
        if drains { Task { await broker.drain() } }
    }
}

/// What all connections may take together. Used on the event loop only.
///
/// `@unchecked Sendable`: the event loop serialises every use.
final class ConnectionLimits: @unchecked Sendable {
    /// The most bytes of bodies that are being received.
    private static let mostBytes = 512 * 1_024 * 1_024

    let largestJob: Int
    private let most: Int
    private var open: [ObjectIdentifier: any Channel] = [:]
    private var bytes = 0

    init(most: Int, largestJob: Int) {
        self.most = most
        self.largestJob = largestJob
    }

    /// - Returns: Whether there is a place for it.
    func add(_ channel: any Channel) -> Bool {
        guard open.count < most else { return false }
        open[ObjectIdentifier(channel)] = channel
        return true
    }

    func remove(_ channel: any Channel) { open[ObjectIdentifier(channel)] = nil }

    /// - Returns: Whether there is room for the body. One is always received.
    func take(_ count: Int) -> Bool {
        guard bytes == 0 || bytes + count <= Self.mostBytes else { return false }
        bytes += count
        return true
    }

    func give(_ count: Int) { bytes -= count }

    func closeAll(on loop: any EventLoop) async {
        let closed = loop.flatSubmit {
            let channels = Array(self.open.values)
            for channel in channels { channel.close(promise: nil) }
            return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: loop)
        }
        do { try await closed.get() } catch {}
    }
}

/// The bytes of one connection. It reads no more while a command is being answered or while much output is unsent.
private final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How many bytes of further commands are read while one is being answered.
    private static let mostUnparsed = 65_536

    private let broker: Broker
    private let limits: ConnectionLimits
    private var parser: CommandParser
    private var context: ChannelHandlerContext?
    private var id: ConnectionID?
    private var isAnswering = false
    private var isParsing = false
    private var isClosing = false
    private var inputHasEnded = false
    private var readIsHeld = false
    /// What was taken of the limit for bodies.
    private var bodyBytes = 0

    init(_ broker: Broker, _ limits: ConnectionLimits) {
        self.broker = broker
        self.limits = limits
        parser = CommandParser(largestBody: limits.largestJob)
    }

    func channelActive(context: ChannelHandlerContext) {
        guard limits.add(context.channel) else {
            isClosing = true
            return context.close(promise: nil)
        }
        self.context = context
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        id = broker.assumeIsolated { $0.open { handler.value.answer($0) } }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        limits.remove(context.channel)
        limits.give(bodyBytes)
        bodyBytes = 0
        self.context = nil
        if let id { broker.assumeIsolated { $0.close(id) } }
        id = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        parser.append(unwrapInboundIn(data).readableBytesView)
        parse()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        inputHasEnded = true
        if let id { broker.assumeIsolated { $0.halfClose(id) } }
        closeIfDone()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A connection that breaks.
        context.close(promise: nil)
    }

    // MARK: - Backpressure

    private var mayRead: Bool {
        guard let context, context.channel.isWritable else { return false }
        return !isAnswering || parser.unparsed < Self.mostUnparsed
    }

    func read(context: ChannelHandlerContext) {
        if mayRead || self.context == nil { context.read() } else { readIsHeld = true }
    }

    private func readIfHeld() {
        guard readIsHeld, mayRead, let context else { return }
        readIsHeld = false
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            parse()
            readIfHeld()
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: - Commands

    /// Passes on commands as long as each is answered at once.
    private func parse() {
        guard !isParsing else { return }
        isParsing = true
        while !isAnswering, !isClosing, let context, context.channel.isWritable, let id, let request = parser.next() {
            takeBody()
            switch broker.assumeIsolated({ $0.accept(request, from: id) }) {
            case .reply(let reply): write(reply, context)
            case .nothing: break
            case .later:
                isAnswering = true
                if inputHasEnded { broker.assumeIsolated { $0.halfClose(id) } }
            case .close: close()
            }
        }
        isParsing = false
        takeBody()
        context?.flush()
        closeIfDone()
    }

    /// Accounts for the body that is being received.
    private func takeBody() {
        let expected = parser.expectedBody
        guard expected != bodyBytes else { return }
        limits.give(bodyBytes)
        bodyBytes = 0
        guard expected > 0 else { return }
        if limits.take(expected) { bodyBytes = expected } else { parser.refuseBody(.outOfMemory) }
    }

    /// The broker has the reply to the command.
    private func answer(_ reply: Reply) {
        guard let context else { return }
        isAnswering = false
        write(reply, context)
        // Within a call to the broker: the next command comes after it.
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            handler.value.parse()
            handler.value.readIfHeld()
        }
    }

    private func write(_ reply: Reply, _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: reply.bytes)), promise: nil)
    }

    private func closeIfDone() {
        // With much unsent output there may be commands left.
        if inputHasEnded, !isAnswering, !isParsing, context?.channel.isWritable ?? true { close() }
    }

    /// Closes the connection once what was written is sent.
    private func close() {
        guard !isClosing, let context else { return }
        isClosing = true
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
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
