import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import StintCore
import StintPlatform

/// Sends one request to an address that was checked before, and reads the answer. It looks no name up and follows no
/// redirect.
struct WebhookPoster: Sendable {
    struct Answer: Sendable {
        let status: Int
        /// Seconds, if it said so.
        let retryAfter: Int?
        /// The beginning of the body.
        let text: String
    }

    /// The most bytes of an answer's body that are read.
    static let maximumAnswerBytes = 65_536
    /// How many bytes of it are kept for people.
    static let shownBytes = 500

    var timeout: TimeAmount = .seconds(10)
    var tls = TLSConfiguration.makeClientConfiguration()

    func post(
        _ body: [UInt8], to url: WebhookURL, at addresses: [WebhookAddress], headers: [(String, String)]
    ) async throws -> Answer {
        let deadline = NIODeadline.now() + timeout
        let context = url.isSecure ? try NIOSSLContext(configuration: tls) : nil
        var failure: any Error = WebhookFailure("there is no address to connect to")
        for (index, address) in addresses.enumerated() {
            // Each address that is left gets a share of the time.
            let left = deadline - .now()
            guard left > .nanoseconds(0) else { break }
            let share = TimeAmount.nanoseconds(left.nanoseconds / Int64(addresses.count - index))
            let exchange: Exchange
            do {
                exchange = try await connect(url, address, context, within: share)
            } catch {
                failure = WebhookFailure("no connection to \(address), port \(url.port): \(Self.plain(error))")
                continue
            }
            return try await exchange.send(body, to: url, headers: headers, until: deadline)
        }
        throw failure
    }

    private struct Exchange: Sendable {
        let channel: any Channel
        let answer: EventLoopPromise<Answer>

        func send(
            _ body: [UInt8], to url: WebhookURL, headers: [(String, String)], until deadline: NIODeadline
        ) async throws -> Answer {
            let timer = channel.eventLoop.scheduleTask(deadline: deadline) { [answer] in
                answer.fail(WebhookFailure("the receiver has not answered in time"))
            }
            var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: url.path)
            head.headers = HTTPHeaders(
                [
                    ("host", url.authority), ("content-type", "application/json"), ("content-length", "\(body.count)"),
                    ("connection", "close"), ("user-agent", "stint"),
                ] + headers)
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
            channel.writeAndFlush(HTTPClientRequestPart.end(nil)).cascadeFailure(to: answer)
            defer {
                timer.cancel()
                channel.close(promise: nil)
            }
            do {
                return try await answer.futureResult.get()
            } catch let failure as WebhookFailure {
                throw failure
            } catch {
                throw WebhookFailure("the request has failed: \(WebhookPoster.plain(error))")
            }
        }
    }

    private func connect(
        _ url: WebhookURL, _ address: WebhookAddress, _ context: NIOSSLContext?, within time: TimeAmount
    ) async throws -> Exchange {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let answer = loop.makePromise(of: Answer.self)
        // An address has no name that a certificate's server could be asked for; it is looked for in the certificate.
        let name = url.literal == nil ? url.host : nil
        do {
            let channel = try await ClientBootstrap(group: loop)
                .connectTimeout(time)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context {
                            try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
                        }
                        try pipeline.addHTTPClientHandlers()
                        try pipeline.addHandler(AnswerReader(answer))
                    }
                }
                .connect(to: try SocketAddress(ipAddress: address.description, port: url.port)).get()
            return Exchange(channel: channel, answer: answer)
        } catch {
            answer.fail(error)
            throw error
        }
    }

    /// Without the names of NIO's types, where there are plain words.
    static func plain(_ error: any Error) -> String {
        switch error {
        case let error as IOError: "\(systemError(error.errnoCode))"
        case is ChannelError where "\(error)".contains("connectTimeout"): "it took too long"
        default: "\(error)"
        }
    }
}

/// Reads the answer up to its limit.
private final class AnswerReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let answer: EventLoopPromise<WebhookPoster.Answer>
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var read = 0

    init(_ answer: EventLoopPromise<WebhookPoster.Answer>) { self.answer = answer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let part):
            read += part.readableBytes
            body += part.readableBytesView.prefix(max(0, WebhookPoster.shownBytes - body.count))
            // The rest changes nothing.
            if read > WebhookPoster.maximumAnswerBytes { finish(context) }
        case .end: finish(context)
        }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard let head else { return }
        answer.succeed(
            WebhookPoster.Answer(
                status: Int(head.status.code), retryAfter: head.headers.first(name: "retry-after").flatMap { Int($0) },
                text: String(decoding: body, as: UTF8.self)))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        answer.fail(WebhookFailure("the receiver has closed the connection without an answer"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answer.fail(error)
        context.close(promise: nil)
    }
}
