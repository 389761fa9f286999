import Foundation
import Logging
import NIOCore
import NIOPosix
import StintBeanstalk
import StintCore
import StintPlatform
import StintSQLite
import Synchronization
import TestSupport
import Testing

/// A client with a real socket.
final class TestClient {
    private let channel: any Channel
    private var chunks: AsyncStream<[UInt8]>.Iterator
    private var received: [UInt8] = []

    init(port: Int) async throws {
        let (stream, bootstrap) = Self.bootstrap()
        chunks = stream.makeAsyncIterator()
        channel = try await bootstrap.connect(host: "127.0.0.1", port: port).get()
    }

    init(socket: String) async throws {
        let (stream, bootstrap) = Self.bootstrap()
        chunks = stream.makeAsyncIterator()
        channel = try await bootstrap.connect(unixDomainSocketPath: socket).get()
    }

    deinit { channel.close(promise: nil) }

    private static func bootstrap() -> (AsyncStream<[UInt8]>, ClientBootstrap) {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(continuation))
                }
            }
        return (stream, bootstrap)
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(channel.allocator.buffer(bytes: bytes))
    }

    /// Sends nothing any more.
    func endOutput() async throws { try await channel.close(mode: .output) }

    func close() async throws { try await channel.close() }

    /// The next line without its end; `nil` if the server has closed the connection.
    func line() async -> String? {
        while true {
            if let end = received.firstIndex(of: 0x0A) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                #expect(line.hasSuffix("\r"))
                return String(line.dropLast())
            }
            guard let chunk = await chunks.next() else { return nil }
            received += chunk
        }
    }

    /// The bytes of a body, and the end of line after it.
    func body(_ count: Int) async -> [UInt8]? {
        while received.count < count + 2 {
            guard let chunk = await chunks.next() else { return nil }
            received += chunk
        }
        defer { received.removeFirst(count + 2) }
        #expect(received[count..<(count + 2)] == [0x0D, 0x0A])
        return Array(received[..<count])
    }

    /// Sends a command, and returns the line of its reply.
    @discardableResult
    func ask(_ command: String) async throws -> String? {
        try await send("\(command)\r\n")
        return await line()
    }

    /// A job's id and body, or the document of statistics.
    func askForChunk(_ command: String) async throws -> (head: String, body: String) {
        let line = try #require(try await ask(command))
        let words = line.split(separator: " ")
        let count = try #require(words.last.flatMap { Int($0) }, "\(command): \(line)")
        let body = try #require(await body(count))
        return (words.dropLast().joined(separator: " "), String(decoding: body, as: UTF8.self))
    }

    func put(_ body: String, _ priority: UInt32 = 0, delay: Int = 0, ttr: Int = 60) async throws -> String? {
        try await ask("put \(priority) \(delay) \(ttr) \(body.utf8.count)\r\n\(body)")
    }

    func statistics(_ command: String) async throws -> [String: String] {
        let document = try await askForChunk(command).body
        var values: [String: String] = [:]
        for line in document.split(separator: "\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            values[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        return values
    }

    /// Returns when the server says that this many clients wait for a job.
    func seesWaiting(_ count: Int) async throws {
        try await eventually("\(count) wait") { try await statistics("stats")["current-waiting"] == "\(count)" }
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

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { continuation.finish() }
    }

    func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A server on a real file, on a thread of its own.
struct TestServer {
    let server: JobServer
    let port: Int
    let queue: JobQueue<SQLiteStore>
    fileprivate let running: Task<Void, any Error>

    /// Connects this many clients, each of which the server has answered.
    func clients(_ count: Int) async throws -> [TestClient] {
        var clients: [TestClient] = []
        for _ in 0..<count {
            let client = try await TestClient(port: port)
            #expect(try await client.ask("list-tube-used") == "USING default")
            clients.append(client)
        }
        return clients
    }
}

/// Runs a server at a free port while `body` is performed.
func withServer(
    _ change: (inout JobServer.Options) -> Void = { _ in }, at socket: String? = nil, in database: String? = nil,
    _ body: (TestServer) async throws -> Void
) async throws {
    let folder = try TemporaryFolder()
    var store = SQLiteStore.Options()
    store.durability = .normal
    let queue = try await JobQueue(.sqlite(database ?? folder.database, options: store))
    var options = JobServer.Options()
    options.logger = silent
    change(&options)
    let (addresses, continuation) = AsyncStream.makeStream(of: String.self)
    let address = socket.map { JobServer.Address.unix(path: $0) } ?? .host("127.0.0.1", port: 0)
    let server = try JobServer(queue, at: address, options: options) { continuation.yield($0) }
    let running = Task {
        defer { continuation.finish() }
        try await server.run()
    }
    var failure: (any Error)?
    for await address in addresses {
        let port = Int(address.split(separator: ":").last ?? "") ?? 0
        do {
            try await body(TestServer(server: server, port: port, queue: queue, running: running))
        } catch {
            failure = error
        }
        break
    }
    running.cancel()
    do { try await running.value } catch { failure = failure ?? error }
    await queue.close()
    if let failure { throw failure }
}

/// What a server has logged, a message with its metadata a line.
final class CollectedLog: Sendable {
    private let collected = Mutex<[String]>([])

    var lines: [String] { collected.withLock(\.self) }

    var logger: Logger {
        Logger(label: "test") { _ in
            Handler { line in self.collected.withLock { $0.append(line) } }
        }
    }

    private struct Handler: LogHandler {
        let add: @Sendable (String) -> Void
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        init(_ add: @escaping @Sendable (String) -> Void) { self.add = add }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
            add("\(event.level): \(event.message)\(values.joined())")
        }
    }
}
