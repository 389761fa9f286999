import NIOCore
import StintCore

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
final class ConnectionHandler: ChannelDuplexHandler {
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
            broker.assumeIsolated { $0.refuseConnection() }
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
