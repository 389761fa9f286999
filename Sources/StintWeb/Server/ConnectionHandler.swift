import NIOCore
import NIOHTTPTypes

/// Ends connections that do not get on: no request in time, a body that trickles in, an answer that is not read.
///
/// All of it counts whole parts of HTTP, so a byte now and then does not help.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    struct Times: Sendable {
        /// From the connection to the head of its first request.
        var head = TimeAmount.seconds(10)
        /// From the head of a request to the end of its body.
        var body = TimeAmount.seconds(60)
        /// How long the other side may read nothing of what is ready for it.
        var stall = TimeAmount.seconds(60)
    }

    private let table: ConnectionTable
    private let times: Times
    private var number = 0
    private var requests = 0
    private var isReading = false
    private var deadline: Scheduled<Void>?
    private var stall: Scheduled<Void>?
    private var isClosed = false
    private var calls: [@Sendable () -> Void] = []

    init(_ table: ConnectionTable, _ times: Times = Times()) {
        self.table = table
        self.times = times
    }

    /// Must be called on the event loop.
    func whenClosed(_ call: @escaping @Sendable () -> Void) {
        if isClosed { call() } else { calls.append(call) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        number = table.opened(context.channel)
        deadline = closing(context, in: times.head)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close()
        table.closed(number)
    }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        table.closed(number)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { close() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            requests += 1
            isReading = true
            deadline?.cancel()
            deadline = closing(context, in: times.body)
        case .body: break
        case .end:
            isReading = false
            deadline?.cancel()
            deadline = nil
            note(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            requests -= 1
            note(context)
        }
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        stall?.cancel()
        stall = context.channel.isWritable ? nil : closing(context, in: times.stall)
        note(context)
        context.fireChannelWritabilityChanged()
    }

    private func note(_ context: ChannelHandlerContext) {
        table.note(number, isServed: requests > 0 && !isReading && context.channel.isWritable)
    }

    private func closing(_ context: ChannelHandlerContext, in time: TimeAmount) -> Scheduled<Void> {
        context.eventLoop.scheduleTask(in: time) { [channel = context.channel] in channel.close(promise: nil) }
    }

    private func close() {
        guard !isClosed else { return }
        isClosed = true
        for scheduled in [deadline, stall] { scheduled?.cancel() }
        (deadline, stall) = (nil, nil)
        for call in calls { call() }
        calls = []
    }
}
