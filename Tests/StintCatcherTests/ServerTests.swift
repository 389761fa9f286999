import Foundation
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import StintCatcher
import StintCore
import StintMailbox
import StintSMTP
import TestSupport
import Testing

@Suite("The server catches mails", .timeLimit(.minutes(1)))
struct ServerTests {
    @Test("a mail is in the mailbox when its reply comes")
    func mail() async throws {
        try await withServer { server in
            let client = try await server.client()
            #expect(await client.line()?.hasPrefix("220 ") == true)
            try await client.send(
                "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: hi\r\n\r\ntext\r\n.\r\nQUIT\r\n")
            #expect(await client.codes(6) == [250, 250, 250, 354, 250, 221])
            #expect(await client.line() == nil)
            let mail = try #require(server.mailbox.mail(1))
            #expect(mail.summary.subject == "hi" && mail.recipients == ["c@d"] && mail.received.sender == "a@b")
        }
    }

    @Test("many mails of one connection, sent at once, are answered in order")
    func pipelining() async throws {
        try await withServer { server in
            let client = try await server.client()
            let one = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n"
            try await client.send("EHLO me\r\n" + String(repeating: one, count: 300) + "QUIT\r\n")
            // The greeting, and eight lines for EHLO.
            _ = await client.codes(9)
            for _ in 0..<300 { #expect(await client.codes(4) == [250, 250, 354, 250]) }
            #expect(await client.codes(1) == [221])
            #expect(server.mailbox.counts.received == 300)
        }
    }

    @Test("a client that is too slow is closed, between commands and within a mail")
    func deadlines() async throws {
        var options = MailServer.Options()
        options.commandTime = .milliseconds(100)
        try await withServer(options) { server in
            let idle = try await server.client()
            _ = await idle.line()
            #expect(await idle.codes(1) == [421])
            #expect(await idle.line() == nil)
        }
        // Of the mail alone: on a busy machine the first command of a test comes late.
        options = MailServer.Options()
        options.mailTime = .milliseconds(100)
        try await withServer(options) { server in
            let slow = try await server.client()
            try await slow.send("HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx")
            #expect(await slow.codes(6) == [220, 250, 250, 250, 354, 421])
            #expect(await slow.line() == nil)
        }
    }

    @Test("bytes of a command that never ends do not make its time longer")
    func dripping() async throws {
        var options = MailServer.Options()
        options.commandTime = .milliseconds(300)
        try await withServer(options) { server in
            let client = try await server.client()
            _ = await client.line()
            let dripping = Task {
                while !Task.isCancelled {
                    try await client.send("x")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            #expect(await client.codes(1) == [421])
            dripping.cancel()
            _ = await dripping.result
        }
    }

    @Test("more connections than are allowed are refused, until one ends")
    func connections() async throws {
        var options = MailServer.Options()
        options.mostConnections = 16
        try await withServer(options) { server in
            var clients: [TestClient] = []
            for _ in 0..<16 {
                clients.append(try await server.client())
                _ = await clients.last?.line()
            }
            let late = try await server.client()
            #expect(await late.codes(1) == [421])
            #expect(await late.line() == nil)
            try await clients.removeLast().close()
            try await eventually("there is a place again", within: .seconds(10)) {
                let next = try await server.client()
                return await next.codes(1) == [220]
            }
        }
    }

    @Test("mails that are received at the same time have a limit together")
    func unfinishedBytes() async throws {
        var options = MailServer.Options()
        options.mostUnfinishedBytes = 100_000
        try await withServer(options) { server in
            let begin = "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
            let first = try await server.client()
            try await first.send(begin + String(repeating: "x", count: 80_000))
            #expect(await first.codes(5) == [220, 250, 250, 250, 354])
            let second = try await server.client()
            try await second.send(begin)
            #expect(await second.codes(5) == [220, 250, 250, 250, 354])
            try await second.send(String(repeating: "x", count: 80_000) + "\r\n.\r\n")
            #expect(await second.codes(1) == [452])
            // The first one may be larger when it is alone.
            try await first.send(String(repeating: "x", count: 80_000) + "\r\n.\r\n")
            #expect(await first.codes(1) == [250])
            try await second.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n")
            #expect(await second.codes(4) == [250, 250, 354, 250])
        }
    }

    @Test("an address that other machines can reach is refused, if that is not allowed")
    func remote() throws {
        #expect(throws: StintError.self) { try MailServer(Mailbox(GMimeReader()), host: "0.0.0.0", port: 0) }
        #expect(throws: StintError.self) { try MailServer(Mailbox(GMimeReader()), host: "no such host", port: 0) }
        var options = MailServer.Options()
        options.allowsRemote = true
        options.logger = Logger(label: "none") { _ in SwiftLogNoOpLogHandler() }
        _ = try MailServer(Mailbox(GMimeReader()), host: "0.0.0.0", port: 0, options: options)
    }
}

struct TestServer {
    let mailbox: Mailbox
    let port: Int

    func client() async throws -> TestClient { try await TestClient(port: port) }
}

/// Runs a server at a free port.
func withServer(
    _ options: MailServer.Options = .init(), _ body: (TestServer) async throws -> Void
) async throws {
    let mailbox = Mailbox(GMimeReader())
    let (addresses, found) = AsyncStream.makeStream(of: String.self)
    let server = try MailServer(mailbox, host: "127.0.0.1", port: 0, options: options) { found.yield($0) }
    let running = Task { try await server.run() }
    var iterator = addresses.makeAsyncIterator()
    let address = try #require(await iterator.next())
    let port = try #require(address.split(separator: ":").last.flatMap { Int($0) })
    do {
        try await body(TestServer(mailbox: mailbox, port: port))
    } catch {
        running.cancel()
        _ = await running.result
        throw error
    }
    running.cancel()
    try await running.value
}

/// A client with a real socket.
final class TestClient: @unchecked Sendable {
    private let channel: any Channel
    private var chunks: AsyncStream<[UInt8]>.Iterator
    private var received: [UInt8] = []

    init(port: Int) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        chunks = stream.makeAsyncIterator()
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    deinit { channel.close(promise: nil) }

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(channel.allocator.buffer(string: text))
    }

    func close() async throws { try await channel.close() }

    /// The next line without its end; `nil` if the server has closed the connection.
    func line() async -> String? {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return String(line.dropLast())
            }
            guard let chunk = await chunks.next() else { return nil }
            received += chunk
        }
    }

    /// The codes of the next lines.
    func codes(_ count: Int) async -> [Int] {
        var codes: [Int] = []
        for _ in 0..<count {
            guard let line = await line() else { break }
            codes.append(Int(line.prefix(3)) ?? 0)
        }
        return codes
    }
}

private final class Receiver: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let continuation: AsyncStream<[UInt8]>.Continuation

    init(_ continuation: AsyncStream<[UInt8]>.Continuation) {
        self.continuation = continuation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
