import NIOCore
import NIOPosix
import StintCore
import StintPlatform

/// The other server cannot be reached, or behaves as no beanstalkd does.
public struct BeanstalkError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

/// A connection to a beanstalkd. Commands can be sent before the replies to earlier ones are there.
final class BeanstalkClient: Sendable {
    /// As given by a person: `host:port`.
    let address: String
    private let channel: any Channel
    private let answers: Answers

    private init(address: String, channel: any Channel, answers: Answers) {
        self.address = address
        self.channel = channel
        self.answers = answers
    }

    /// - Throws: ``BeanstalkError`` if nothing answers there.
    static func connect(host: String, port: Int) async throws -> BeanstalkClient {
        let address = "\(host):\(port)"
        let answers = Answers(address: address)
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(.seconds(10))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers(
                            ByteToMessageHandler(AnswerDecoder(), maximumBufferSize: AnswerDecoder.maximumBytes),
                            AnswerHandler(answers))
                    }
                }
                .connect(host: host, port: port).get()
            return BeanstalkClient(address: address, channel: channel, answers: answers)
        } catch {
            let cause = (error as? NIOConnectionError)?.connectionErrors.first?.error ?? error
            let text = (cause as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(cause)"
            throw BeanstalkClient.lost(address, "no connection to it: \(text)")
        }
    }

    func close() async { try? await channel.close() }

    /// Sends commands at once, and returns their replies in the same order.
    func ask(_ commands: [String]) async throws -> [Answer] {
        guard !commands.isEmpty else { return [] }
        let future = channel.eventLoop.flatSubmit { [channel, answers] in
            let futures = commands.map { _ in answers.expectOne(on: channel.eventLoop) }
            let bytes = ByteBuffer(string: commands.map { $0 + "\r\n" }.joined())
            channel.writeAndFlush(bytes).whenFailure { answers.fail("\($0)") }
            return EventLoopFuture.whenAllSucceed(futures, on: channel.eventLoop)
        }
        return try await future.get()
    }

    func ask(_ command: String) async throws -> Answer { try await ask([command])[0] }

    fileprivate static func lost(_ address: String, _ reason: String) -> BeanstalkError {
        BeanstalkError(description: "beanstalkd at \(address): \(reason)")
    }

    func unexpected(_ answer: Answer, to command: String) -> BeanstalkError {
        Self.lost(address, "it answers \(quoted(answer.line)) to \(quoted(command))")
    }

    // MARK: - Replies

    struct Answer: Sendable {
        let line: String
        /// That of a job or a document.
        let body: [UInt8]

        var words: [Substring] { line.split(separator: " ") }
        var name: Substring { words.first ?? "" }
        /// The id in `RESERVED` and `FOUND`.
        var id: UInt64? { words.count > 1 ? UInt64(words[1]) : nil }
        var isNotFound: Bool { name == "NOT_FOUND" }

        /// The values of a document: `name: value` on each line.
        var values: [Substring: Substring] {
            var values: [Substring: Substring] = [:]
            for line in String(decoding: body, as: UTF8.self).split(separator: "\n") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                values[line[..<colon]] = line[line.index(after: colon)...].drop { $0 == " " }
            }
            return values
        }

        /// The items of a document: `- name` on each line. beanstalkd quotes no name.
        var items: [String] {
            String(decoding: body, as: UTF8.self).split(separator: "\n").filter { $0.hasPrefix("- ") }
                .map { String($0.dropFirst(2)) }
        }
    }

    /// The replies that are awaited.
    ///
    /// `@unchecked Sendable`: only its connection's event loop uses it.
    private final class Answers: @unchecked Sendable {
        private let address: String
        private var awaited: CircularBuffer<EventLoopPromise<Answer>> = []
        private var loss: BeanstalkError?

        init(address: String) { self.address = address }

        func expectOne(on loop: any EventLoop) -> EventLoopFuture<Answer> {
            if let loss { return loop.makeFailedFuture(loss) }
            let promise = loop.makePromise(of: Answer.self)
            awaited.append(promise)
            return promise.futureResult
        }

        func received(_ answer: Answer) { awaited.popFirst()?.succeed(answer) }

        func fail(_ reason: String) {
            let loss = self.loss ?? BeanstalkClient.lost(address, reason)
            self.loss = loss
            while let promise = awaited.popFirst() { promise.fail(loss) }
        }
    }

    private final class AnswerHandler: ChannelInboundHandler {
        typealias InboundIn = Answer
        private let answers: Answers

        init(_ answers: Answers) { self.answers = answers }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { answers.received(unwrapInboundIn(data)) }

        func channelInactive(context: ChannelHandlerContext) { answers.fail("it has closed the connection") }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            answers.fail("\(error)")
            context.close(promise: nil)
        }
    }

    /// A line, and after some of them as many bytes as the line says.
    private struct AnswerDecoder: ByteToMessageDecoder {
        typealias InboundOut = Answer
        /// beanstalkd's own largest job is 1 GiB; larger ones than Stint's stay there, but their bytes come.
        static let maximumBytes = (1 << 30) + 65_536
        private static let longestLine = 4_096

        struct NoBeanstalkd: Error, CustomStringConvertible {
            var description: String { "what answers there is no beanstalkd" }
        }

        mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
            let view = buffer.readableBytesView
            guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
                guard view.count <= Self.longestLine else { throw NoBeanstalkd() }
                return .needMoreData
            }
            guard end > view.startIndex, view[view.index(before: end)] == UInt8(ascii: "\r") else {
                throw NoBeanstalkd()
            }
            let line = String(decoding: view[..<view.index(before: end)], as: UTF8.self)
            let words = line.split(separator: " ")
            let size: Int? =
                switch words.first {
                case "RESERVED", "FOUND": words.count == 3 ? Int(words[2]) : -1
                case "OK": words.count == 2 ? Int(words[1]) : -1
                default: nil
                }
            var body: [UInt8] = []
            let length = view.distance(from: view.startIndex, to: end) + 1
            if let size {
                guard (0...Self.maximumBytes).contains(size) else { throw NoBeanstalkd() }
                guard buffer.readableBytes >= length + size + 2 else { return .needMoreData }
                buffer.moveReaderIndex(forwardBy: length)
                body = buffer.readBytes(length: size)!
                buffer.moveReaderIndex(forwardBy: 2)
            } else {
                buffer.moveReaderIndex(forwardBy: length)
            }
            context.fireChannelRead(wrapInboundOut(Answer(line: line, body: body)))
            return .continue
        }

        mutating func decodeLast(
            context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
        ) throws -> DecodingState {
            .needMoreData
        }
    }
}
