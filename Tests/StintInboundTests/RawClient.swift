import NIOCore
import NIOPosix

/// Sends bytes as they are, and reads what comes until the other side closes or has answered.
struct RawClient: Sendable {
    private let channel: any Channel
    private let promise: EventLoopPromise<String>

    static func connect(_ port: Int) async throws -> RawClient {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let promise = loop.makePromise(of: String.self)
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(promise))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel: channel, promise: promise)
    }

    func send(_ bytes: String) { channel.writeAndFlush(ByteBuffer(string: bytes), promise: nil) }
    func close() { channel.close(promise: nil) }

    /// The head of the answer, or what came before the other side closed.
    func answer(to bytes: String) async throws -> String {
        send(bytes)
        let answer = try await promise.futureResult.get()
        channel.close(promise: nil)
        return answer
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let promise: EventLoopPromise<String>
        private var text = ""

        init(_ promise: EventLoopPromise<String>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            if text.contains("\r\n\r\n") { promise.succeed(text) }
        }

        func channelInactive(context: ChannelHandlerContext) { promise.succeed(text) }
    }
}
