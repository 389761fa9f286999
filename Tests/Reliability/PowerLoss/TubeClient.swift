import NIOCore
import NIOPosix

/// A client of beanstalkd's protocol, over a real socket.
struct TubeClient {
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var received: [UInt8] = []

    /// - Parameter body: The client is connected until it returns.
    static func connected<Result: Sendable>(
        to socket: String, _ body: (inout TubeClient) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(unixDomainSocketPath: socket) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var client = TubeClient(inbound: inbound.makeAsyncIterator(), outbound: outbound)
            return try await body(&client)
        }
    }

    private init(
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.inbound = inbound
        self.outbound = outbound
    }

    /// Sends a command, and returns the line of its reply; of one with a body, after the body.
    mutating func ask(_ command: String) async throws -> (line: String, body: String) {
        try await outbound.write(ByteBuffer(string: command + "\r\n"))
        var end = received.firstIndex(of: 0x0A)
        while end == nil {
            try await receive(command)
            end = received.firstIndex(of: 0x0A)
        }
        let line = String(decoding: received[..<(end! - 1)], as: UTF8.self)
        received.removeFirst(end! + 1)
        let words = line.split(separator: " ")
        guard let first = words.first, ["RESERVED", "FOUND", "OK"].contains(first), let count = Int(words.last!) else {
            return (line, "")
        }
        while received.count < count + 2 { try await receive(command) }
        defer { received.removeFirst(count + 2) }
        return (line, String(decoding: received[..<count], as: UTF8.self))
    }

    private mutating func receive(_ command: String) async throws {
        guard let bytes = try await inbound.next() else {
            throw TortureError("the server has closed the connection instead of a reply to '\(command)'")
        }
        received += bytes.readableBytesView
    }
}
