import AsyncHTTPClient
import Foundation
import Hummingbird
import Logging
import NIOCore
import Stint
import StintCore
import StintTesting
import Testing

@testable import StintInbound

/// An answer of the server.
struct Answer: Equatable {
    let status: Int
    let text: String
    var retryAfter: String?
}

/// Posts to an application that mounts the routes under `/inbound`.
struct InboundClient: Sendable {
    let port: Int
    let webhooks: InboundWebhooks
    private let queued: @Sendable () async throws -> [InboundMail]

    init(port: Int, webhooks: InboundWebhooks, queued: @escaping @Sendable () async throws -> [InboundMail]) {
        self.port = port
        self.webhooks = webhooks
        self.queued = queued
    }

    func post(_ path: String, _ request: TestPost) async throws -> Answer {
        var call = HTTPClientRequest(url: "http://127.0.0.1:\(port)/inbound\(path)")
        call.method = .POST
        for (name, value) in request.headers { call.headers.add(name: name, value: value) }
        call.body = .bytes(ByteBuffer(bytes: request.body))
        let response = try await HTTPClient.shared.execute(call, timeout: .seconds(60))
        let body = try await response.body.collect(upTo: 1_048_576)
        return Answer(
            status: Int(response.status.code), text: String(buffer: body),
            retryAfter: response.headers.first(name: "retry-after"))
    }

    /// The mails in the queue, the oldest first.
    func mails() async throws -> [InboundMail] { try await queued() }
}

struct TestPost: Sendable {
    var headers: [(String, String)]
    var body: [UInt8]
}

/// With a queue in memory.
/// The usual options, which log nothing, with this change.
func changed(_ change: (inout InboundWebhooks.Options) -> Void = { _ in }) -> InboundWebhooks.Options {
    var options = InboundWebhooks.Options()
    options.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    change(&options)
    return options
}

func withInbound(
    _ services: [InboundService], options: InboundWebhooks.Options = changed(),
    _ body: @Sendable (InboundClient) async throws -> Void
) async throws {
    try await withInbound(JobQueue(store: InMemoryStore()), services, options: options, body)
}

func withInbound(
    _ queue: JobQueue<some JobStore>, _ services: [InboundService],
    options: InboundWebhooks.Options = changed(),
    _ body: @Sendable (InboundClient) async throws -> Void
) async throws {
    let webhooks = try InboundWebhooks(queue: queue, services: services, options: options)
    let router = Router()
    webhooks.addRoutes(to: router.group("inbound"))
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
        router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) },
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { try await application.run() }
    defer { running.cancel() }
    for await port in ports {
        try await body(
            InboundClient(port: port, webhooks: webhooks) {
                var mails: [(JobID, InboundMail)] = []
                for record in try await queue.store.page(JobFilter(queue: "inbound", limit: 1_000), after: nil).jobs {
                    let job = try #require(try await queue.store.job(record.id))
                    mails.append((record.id, try JSONDecoder().decode(InboundMail.self, from: Data(job.payload))))
                }
                return mails.sorted { $0.0.rawValue < $1.0.rawValue }.map(\.1)
            })
        break
    }
}

/// Within the closure of ``withInbound`` the macro takes no expression that throws.
func same<Value: Equatable>(_ value: Value, _ expected: Value, at location: SourceLocation = #_sourceLocation) {
    #expect(value == expected, sourceLocation: location)
}
