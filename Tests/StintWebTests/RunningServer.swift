import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Stint
import StintCore
import StintTesting
import Testing

@testable import StintWeb

/// Runs a server of a queue at a free port while `body` is performed.
func withServer(
    _ queue: JobQueue<some JobStore>, _ access: Access = .open(.admin), basePath: String = "",
    redacted: Set<String> = [], change: (inout Dashboard.Options) -> Void = { _ in },
    _ body: @Sendable (WebClient, Dashboard) async throws -> Void
) async throws {
    var options = Dashboard.Options(
        access: access, basePath: basePath, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    options.redacted = redacted
    change(&options)
    let dashboard = try Dashboard(queue: queue, options: options)
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let server = try WebServer(host: "127.0.0.1", port: 0, dashboard: dashboard) { address in
        continuation.yield(Int(address.split(separator: ":").last!)!)
    }
    let running = Task { try await server.run() }
    defer { running.cancel() }
    for await port in ports {
        try await body(WebClient(port: port), dashboard)
        break
    }
}

/// Runs an application that mounts a dashboard and knows its users by a header, the name of their role.
func withApplication(_ dashboard: Dashboard, _ body: @Sendable (WebClient) async throws -> Void) async throws {
    let router = Router()
    dashboard.addRoutes(to: router.group("jobs")) { request, _ in
        request.headers[.init("x-user")!].flatMap { Role(rawValue: $0) }.map { WebUser(name: "the-\($0)", role: $0) }
    }
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
        router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) },
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let running = Task { try await application.run() }
    defer { running.cancel() }
    for await port in ports {
        try await body(WebClient(port: port))
        break
    }
}

/// A queue in memory with some jobs: one ready, one buried, one delayed.
func sampleQueue() async throws -> JobQueue<InMemoryStore> {
    let queue = JobQueue(store: InMemoryStore())
    try await queue.enqueue(payload: Array("hello".utf8), in: "mail")
    let buried = try await queue.enqueue(payload: Array("bad".utf8), in: "mail")
    try await queue.bury([buried.id], reason: "no such address")
    try await queue.enqueue(payload: Array("later".utf8), in: "other", delay: .seconds(60))
    return queue
}

/// Within the closure of ``withServer`` the macro takes no expression that throws.
func same(_ status: Int, _ expected: Int, at location: SourceLocation = #_sourceLocation) {
    #expect(status == expected, sourceLocation: location)
}
