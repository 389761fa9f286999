import Dispatch
import NIOCore
import StintMailbox
import StintSMTP

/// The bytes of one connection. It reads no more while a mail is being kept, or while its client does not read the replies.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How many bytes of further commands are read before a mail is kept.
    private static let mostUnread = 65_536

    private let mailbox: Mailbox
    private let options: MailServer.Options
    private let limits: ConnectionLimits
    private var session: SMTPSession
    private var context: ChannelHandlerContext?
    /// What was taken of the limit for the mail that is being received.
    private var takenBytes = 0
    /// A mail is being kept, and is not answered yet.
    private var isBusy = false
    private var isClosing = false
    private var inputHasEnded = false
    private var readIsHeld = false
    /// Whether the time is that for a mail, and not that for a command.
    private var isReceiving = false
    private var deadline: Scheduled<Void>?

    init(_ mailbox: Mailbox, _ options: MailServer.Options, _ limits: ConnectionLimits) {
        self.mailbox = mailbox
        self.options = options
        self.limits = limits
        session = SMTPSession(options.session)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        if limits.add(context.channel) {
            write(session.greeting)
            setDeadline(options.commandTime)
        } else {
            close(.tooManyConnections)
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        self.context = nil
        // A mail that is being kept still takes its room.
        if !isBusy { giveBack(context.channel) }
        context.fireChannelInactive()
    }

    /// Another connection may have the place of this one, and its bytes.
    private func giveBack(_ channel: any Channel) {
        limits.remove(channel)
        _ = limits.change(from: takenBytes, to: 0)
        takenBytes = 0
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        session.append(unwrapInboundIn(data).readableBytesView)
        proceed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        inputHasEnded = true
        closeIfDone()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A connection that breaks.
        context.close(promise: nil)
    }

    // MARK: - Backpressure

    private var mayRead: Bool {
        guard let context, context.channel.isWritable else { return false }
        return !isBusy || session.unread < Self.mostUnread
    }

    func read(context: ChannelHandlerContext) {
        if mayRead || self.context == nil { context.read() } else { readIsHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { proceed() }
        context.fireChannelWritabilityChanged()
    }

    // MARK: - Commands

    private func proceed() {
        while !isBusy, !isClosing, let context, context.channel.isWritable, let step = session.next() {
            setDeadline(options.commandTime)
            switch step {
            case .reply(let reply): write(reply)
            case .close(let reply): close(reply)
            case .mail(let mail): keep(mail, context)
            }
        }
        account()
        context?.flush()
        if readIsHeld, mayRead, let context {
            readIsHeld = false
            context.read()
        }
        closeIfDone()
    }

    /// Accounts for the mail that is being received. One that is being kept stays accounted for until it is.
    private func account() {
        guard !isBusy, context != nil else { return }
        let kept = session.keptBytes
        if limits.change(from: takenBytes, to: kept) {
            takenBytes = kept
        } else {
            session.refuseMail(.tooMuchAtOnce)
            _ = limits.change(from: takenBytes, to: 0)
            takenBytes = 0
        }
        if session.isReceiving != isReceiving {
            isReceiving.toggle()
            setDeadline(isReceiving ? options.mailTime : options.commandTime)
        }
    }

    /// Reading a mail takes time, which other connections have meanwhile.
    private func keep(_ mail: ReceivedMail, _ context: ChannelHandlerContext) {
        isBusy = true
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        let (mailbox, loop, channel) = (mailbox, context.eventLoop, context.channel)
        mailbox.reading.async {
            let caught = mailbox.add(mail)
            loop.execute { handler.value.answer(caught, channel) }
        }
    }

    private func answer(_ mail: CaughtMail, _ channel: any Channel) {
        isBusy = false
        guard context != nil else { return giveBack(channel) }
        write(SMTPReply(250, "2.0.0", "Caught as mail \(mail.id)"))
        proceed()
    }

    // MARK: - Output and end

    private func write(_ reply: SMTPReply) {
        guard let context else { return }
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: reply.bytes)), promise: nil)
        context.flush()
    }

    /// A client that says nothing, or sends a mail too slowly, does not keep its connection.
    private func setDeadline(_ time: TimeAmount) {
        deadline?.cancel()
        guard let context, !isClosing else { return }
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: time) { handler.value.close(.tooSlow) }
    }

    private func closeIfDone() {
        if inputHasEnded, !isBusy { close(nil) }
    }

    /// Closes the connection once what was written is sent, or soon if its client does not read it.
    private func close(_ reply: SMTPReply?) {
        guard !isClosing, let context else { return }
        if let reply { write(reply) }
        isClosing = true
        deadline?.cancel()
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in channel.close(promise: nil) }
        deadline = context.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
    }
}
