import Foundation
import StintBeanstalk
import StintCore
import StintSQLite
import TestSupport
import Testing

@Suite("Where beanstalkd clients connect, and how many may", .timeLimit(.minutes(3)))
struct ListenerTests {
    @Test("more connections than allowed are closed, and there is room again when others have ended")
    func connections() async throws {
        try await withServer {
            $0.maximumConnections = 16
        } _: { server in
            var clients = try await server.clients(16)
            let refused = try await TestClient(port: server.port)
            #expect(await refused.line() == nil)
            try await clients.removeLast().close()
            try await eventually("there is room") {
                let client = try await TestClient(port: server.port)
                do { return try await client.ask("list-tube-used") != nil } catch { return false }
            }
        }
    }

    @Test("a socket is only for its user, replaces a stale one, and never another server's or a file")
    func unixSocket() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/socket"
        try await withServer(at: path) { _ in
            let client = try await TestClient(socket: path)
            #expect(try await client.put("x") == "INSERTED 1")
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let error = await #expect(throws: StintError.self) { try await withServer(at: path) { _ in } }
            #expect(error?.description.contains("another server") == true)
        }
        #expect(!FileManager.default.fileExists(atPath: path))
        // A stale one: its server has ended without removing it.
        try UnreadSocket.leaveStale(at: path)
        #expect(FileManager.default.fileExists(atPath: path))
        try await withServer(at: path) { _ in
            let client = try await TestClient(socket: path)
            #expect(try await client.put("x") == "INSERTED 1")
        }
        try Data("mine".utf8).write(to: URL(filePath: path))
        let error = await #expect(throws: StintError.self) { try await withServer(at: path) { _ in } }
        #expect(error?.code == .invalidInput)
        #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == "mine")
    }

    @Test("an address that other machines reach needs a permission", arguments: ["0.0.0.0", "::", "192.0.2.7"])
    func remote(host: String) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        var options = JobServer.Options()
        options.logger = silent
        let error = #expect(throws: StintError.self) {
            try JobServer(queue, at: .host(host, port: 0), options: options)
        }
        #expect(error?.description.contains("--allow-remote") == true)
        options.allowsRemote = true
        _ = try JobServer(queue, at: .host(host, port: 0), options: options)
        await queue.close()
    }
}
