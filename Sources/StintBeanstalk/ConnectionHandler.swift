import NIOCore
import StintCore

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
    /// Whether the limit for replies knows of some of this connection.
    private var hasUnsent = false

    init(_ broker: Broker, _ limits: ConnectionLimits) {
        self.broker = broker
        self.limits = limits
        parser = CommandParser(largestBody: limits.options.largestJob)
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
        limits.giveBody(bodyBytes)
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
        noteUnsent()
        if context.channel.isWritable {
            parse()
            readIfHeld()
        }
        context.fireChannelWritabilityChanged()
    }

    /// Little of each connection does not count.
    private func noteUnsent() {
        guard let context, hasUnsent || !context.channel.isWritable else { return }
        hasUnsent = !context.channel.isWritable
        limits.note(unsent: hasUnsent ? context.channel.unsentBytes : 0, of: context.channel)
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
        noteUnsent()
        closeIfDone()
    }

    /// Accounts for the body that is being received.
    private func takeBody() {
        let expected = parser.expectedBody
        guard expected != bodyBytes else { return }
        limits.giveBody(bodyBytes)
        bodyBytes = 0
        guard expected > 0 else { return }
        let waiting = broker.assumeIsolated { $0.puts.bytes }
        if limits.takeBody(expected, beside: waiting) {
            bodyBytes = expected
        } else {
            parser.refuseBody(.outOfMemory)
        }
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
