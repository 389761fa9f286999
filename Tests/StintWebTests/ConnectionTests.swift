import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Synchronization
import Testing

@testable import StintWeb

@Suite("Connections of the web server")
struct ConnectionTests {
    private static let head = HTTPRequestPart.head(
        HTTPRequest(method: .post, scheme: "http", authority: "a", path: "/"))
    private static let answer = HTTPResponsePart.head(HTTPResponse(status: .ok))

    private let table = ConnectionTable(most: 3)

    private func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: ConnectionHandler(table))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func isOpen(_ channel: EmbeddedChannel, after time: TimeAmount) -> Bool {
        channel.embeddedEventLoop.advanceTime(by: time)
        return channel.isActive
    }

    @Test("one that sends no request in ten seconds is closed")
    func head() throws {
        let channel = try connection()
        #expect(isOpen(channel, after: .seconds(9)))
        #expect(!isOpen(channel, after: .seconds(2)))
        #expect(table.count == 0)
    }

    @Test("one whose body trickles is closed a minute after its head; an answer may take longer")
    func body() throws {
        let channel = try connection()
        try channel.writeInbound(Self.head)
        for _ in 0..<59 {
            #expect(isOpen(channel, after: .seconds(1)))
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x")))
        }
        #expect(!isOpen(channel, after: .seconds(2)))

        let served = try connection()
        try served.writeInbound(Self.head)
        try served.writeInbound(HTTPRequestPart.end(nil))
        #expect(isOpen(served, after: .hours(1)))
    }

    @Test("one that does not read its answer is closed after a minute, and one that reads again is not")
    func stall() throws {
        for reads in [true, false] {
            let channel = try connection()
            try channel.writeInbound(Self.head)
            try channel.writeInbound(HTTPRequestPart.end(nil))
            channel.isWritable = false
            channel.pipeline.fireChannelWritabilityChanged()
            #expect(isOpen(channel, after: .seconds(50)))
            if reads {
                channel.isWritable = true
                channel.pipeline.fireChannelWritabilityChanged()
            }
            #expect(isOpen(channel, after: .seconds(20)) == reads)
        }
    }

    private final class Calls: Sendable {
        let count = Atomic(0)
    }

    @Test("who looks is told when the other side has closed its end, or the connection")
    func closing() throws {
        for half in [true, false] {
            let channel = try connection()
            let calls = Calls()
            try channel.pipeline.syncOperations.handler(type: ConnectionHandler.self).whenClosed {
                calls.count.add(1, ordering: .relaxed)
            }
            #expect(calls.count.load(ordering: .relaxed) == 0)
            if half { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
            try channel.close().wait()
            #expect(calls.count.load(ordering: .relaxed) == 1)
        }
    }

    @Test("a further one replaces the one that has waited longest, and none that is served")
    func replacing() throws {
        let served = try connection()
        try served.writeInbound(Self.head)
        try served.writeInbound(HTTPRequestPart.end(nil))
        let (first, second) = (try connection(), try connection())
        let third = try connection()
        #expect(served.isActive && !first.isActive && second.isActive && third.isActive)
        // Its answer is whole: it waits now, behind the others.
        try served.writeOutbound(Self.answer)
        try served.writeOutbound(HTTPResponsePart.end(nil))
        let fourth = try connection()
        #expect(served.isActive && !second.isActive)
        let fifth = try connection()
        #expect(served.isActive && !third.isActive)
        _ = try connection()
        #expect(!served.isActive && fourth.isActive && fifth.isActive && table.count == 3)
    }

    @Test("the line of those that wait does not grow with their requests")
    func boundedLine() throws {
        let channel = try connection()
        for _ in 0..<5_000 {
            try channel.writeInbound(Self.head)
            try channel.writeInbound(HTTPRequestPart.end(nil))
            try channel.writeOutbound(Self.answer)
            try channel.writeOutbound(HTTPResponsePart.end(nil))
        }
        #expect(channel.isActive && table.lineLength <= 1_003)
        // Its place in the line is still known.
        let others = try (0..<3).map { _ in try connection() }
        #expect(!channel.isActive && others.allSatisfy { $0.isActive })
    }

    @Test("when the server ends, those that wait are closed, those that are served are not, and none comes after that")
    func ending() throws {
        let (served, waiting) = (try connection(), try connection())
        try served.writeInbound(Self.head)
        try served.writeInbound(HTTPRequestPart.end(nil))
        table.closeWaiting()
        #expect(served.isActive && !waiting.isActive)
        let late = EmbeddedChannel()
        try late.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        try late.pipeline.syncOperations.addHandler(ConnectionHandler(table))
        #expect(!late.isActive)
    }

    @Test("one that does not read its answer is replaced too")
    func unread() throws {
        let channels = try (0..<3).map { _ in try connection() }
        for channel in channels {
            try channel.writeInbound(Self.head)
            try channel.writeInbound(HTTPRequestPart.end(nil))
        }
        channels[1].isWritable = false
        channels[1].pipeline.fireChannelWritabilityChanged()
        _ = try connection()
        #expect(channels.map(\.isActive) == [true, false, true])
    }

    @Test("a head without its body is no request yet")
    func halfRequests() throws {
        let channels = try (0..<3).map { _ in try connection() }
        for channel in channels { try channel.writeInbound(Self.head) }
        _ = try connection()
        #expect(channels.map(\.isActive) == [false, true, true])
    }

    @Test("nor is one behind a request that has its answer")
    func halfRequestBehind() throws {
        let channel = try connection()
        try channel.writeInbound(Self.head)
        try channel.writeInbound(HTTPRequestPart.end(nil))
        try channel.writeInbound(Self.head)
        try channel.writeOutbound(Self.answer)
        try channel.writeOutbound(HTTPResponsePart.end(nil))
        let others = try (0..<3).map { _ in try connection() }
        #expect(!channel.isActive && others.allSatisfy { $0.isActive })
    }

    @Test(
        "there are as many connections as the limit of open files allows",
        arguments: [(nil, 12_000), (1_000_000, 12_000), (12_000, 11_744), (1_024, 768), (256, 128), (10, 16)])
    func limit(descriptors: Int?, connections: Int) {
        #expect(WebServer.connections(descriptors: descriptors) == connections)
    }
}
