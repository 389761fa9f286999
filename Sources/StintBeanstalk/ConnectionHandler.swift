import NIOCore
import StintCore

/// The bytes of one connection. It reads no more while a command is being answered or while much output is unsent.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How many bytes of further commands are read while one is being answered.
    private static let mostUnparsed = 65_536
    /// How many commands of one order may be unanswered, and how many bytes of bodies.
    private static let mostUnanswered = 1_000
    private static let mostUnansweredBytes = 262_144
    /// How much room for replies is kept for the next ones.
    private static let mostKept = 4_096
    /// How many bytes of replies are sent at once.
    private static let mostOutput = 16_384

    private enum Held {
        case request(Request)
        case reply(Reply)
    }

    private let broker: Broker
    private let limits: ConnectionLimits
    private var parser: CommandParser
    private var context: ChannelHandlerContext?
    private var connection: Connection?
    /// The commands that the broker has not answered yet: how many bytes of body each has.
    private var unanswered = CircularBuffer<Int>()
    private var unansweredBytes = 0
    /// Which others may be accepted meanwhile.
    private var order: Broker.Order?
    /// What comes after them.
    private var held: Held?
    private var output = ByteBuffer()
    private var isParsing = false
    /// Whether it is to go on after what the broker does now.
    private var goesOn = false
    private var isClosing = false
    private var inputHasEnded = false
    private var readIsHeld = false
    /// What was taken of the limit for the body that is being received.
    private var bodyBytes = 0
    /// Whether the limit for replies knows of some of this connection.
    private var hasUnsent = false

    init(_ broker: Broker, _ limits: ConnectionLimits) {
        self.broker = broker
        self.limits = limits
        parser = CommandParser(largestBody: broker.options.largestJob)
    }

    func channelActive(context: ChannelHandlerContext) {
        guard limits.add(context.channel) else {
            isClosing = true
            broker.assumeIsolated { $0.refuseConnection() }
            return context.close(promise: nil)
        }
        self.context = context
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        connection = broker.assumeIsolated { $0.open { handler.value.answer($0) } }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        limits.remove(context.channel)
        limits.giveBody(bodyBytes)
        bodyBytes = 0
        unansweredBytes = 0
        unanswered.removeAll()
        self.context = nil
        if let connection { broker.assumeIsolated { $0.close(connection.id) } }
        connection = nil
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
        if let connection { broker.assumeIsolated { $0.halfClose(connection.id) } }
        closeIfDone()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A connection that breaks.
        context.close(promise: nil)
    }

    // MARK: - Backpressure

    private var mayRead: Bool {
        guard let context, context.channel.isWritable else { return false }
        return unanswered.isEmpty || parser.unparsed < Self.mostUnparsed
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

    /// Passes on commands as long as each is answered at once, or in the order of those that are not answered yet.
    private func parse() {
        guard !isParsing else { return }
        isParsing = true
        while !isClosing, let context, context.channel.isWritable, let connection,
            let next = held ?? parser.next().map(Held.request)
        {
            // Its body stays accounted for until it is accepted.
            held = next
            guard mayFollow(next) else { break }
            held = nil
            takeBody()
            switch next {
            case .reply(let reply): write(reply, context)
            case .request(let request): accept(request, from: connection, context)
            }
        }
        isParsing = false
        takeBody()
        flush()
        noteUnsent()
        closeIfDone()
    }

    /// Whether it may be accepted before those that are unanswered are answered.
    private func mayFollow(_ next: Held) -> Bool {
        guard !unanswered.isEmpty else { return true }
        guard let order, case .request(let request) = next, let connection, unanswered.count < Self.mostUnanswered,
            unansweredBytes < Self.mostUnansweredBytes
        else { return false }
        return broker.assumeIsolated { $0.order(of: request, from: connection) } == order
    }

    private func accept(_ request: Request, from connection: Connection, _ context: ChannelHandlerContext) {
        let (answer, order) = broker.assumeIsolated { broker in
            let order = broker.order(of: request, from: connection)
            return (broker.accept(request, from: connection), order)
        }
        switch answer {
        case .reply(let reply): if unanswered.isEmpty { write(reply, context) } else { held = .reply(reply) }
        case .nothing: break
        case .later:
            self.order = order
            var bytes = Broker.PendingPut.overhead
            if case .command(.put(let job)) = request.content { bytes += job.body.count }
            unanswered.append(bytes)
            unansweredBytes += bytes
            if inputHasEnded { broker.assumeIsolated { $0.halfClose(connection.id) } }
        case .close:
            // Its jobs are free also if it reads no more.
            broker.assumeIsolated { $0.close(connection.id) }
            self.connection = nil
            close()
        }
    }

    /// Accounts for the body that is being received. One that is held stays accounted for.
    private func takeBody() {
        let expected = parser.expectedBody
        guard context != nil, held == nil, expected != bodyBytes else { return }
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

    /// The broker has the reply to the first of the unanswered commands.
    private func answer(_ reply: Reply) {
        guard context != nil, let bytes = unanswered.popFirst() else { return }
        unansweredBytes -= bytes
        // Within a call to the broker: what a write may lead to, and the next command, come after it.
        reply.write(to: &output)
        guard !goesOn else { return }
        goesOn = true
        broker.answered.add(self)
    }

    /// Sends the replies, and accepts what the client has sent meanwhile.
    func goOn() {
        goesOn = false
        parse()
        readIfHeld()
    }

    private func write(_ reply: Reply, _ context: ChannelHandlerContext) {
        reply.write(to: &output)
        if output.readableBytes >= Self.mostOutput { flush() }
    }

    private func flush() {
        guard output.readableBytes > 0, let context else { return }
        // Taken out first: a change of the writability comes back here.
        var sent = ByteBuffer()
        swap(&sent, &output)
        context.writeAndFlush(wrapOutboundOut(sent), promise: nil)
        guard output.readableBytes == 0, sent.capacity <= Self.mostKept else { return }
        sent.clear()
        output = sent
    }

    private func closeIfDone() {
        // With much unsent output there may be commands left.
        if inputHasEnded, unanswered.isEmpty, held == nil, !isParsing, context?.channel.isWritable ?? true { close() }
    }

    /// Closes the connection once what was written is sent.
    private func close() {
        guard !isClosing, let context else { return }
        isClosing = true
        flush()
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
    }
}
