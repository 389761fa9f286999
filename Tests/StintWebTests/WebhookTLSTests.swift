import Foundation
import NIOSSL
import StintCore
import TestSupport
import Testing

@testable import StintWeb

@Suite("Webhooks by TLS", .timeLimit(.minutes(2)))
struct WebhookTLSTests {
    /// Answers each request with 204, and writes the name that the client has asked for.
    private static let receiver = """
        import http.server, ssl, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers['Content-Length']))
                self.send_response(204)
                self.end_headers()
            def log_message(self, *arguments):
                pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1] + '/cert.pem', sys.argv[1] + '/key.pem')
        context.sni_callback = lambda socket, name, context: open(sys.argv[1] + '/names', 'a').write(f'{name}\\n') and None
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with open(sys.argv[1] + '/port', 'w') as file:
            file.write(f'{server.server_port}\\n')
        server.serve_forever()
        """

    private static func start(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        try process.run()
        return process
    }

    @Test("go only to a receiver whose certificate has the name and comes from a known authority")
    func certificates() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let openssl = try Self.start(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-keyout", "\(path)/key.pem", "-out", "\(path)/cert.pem", "-subj", "/CN=hooks.example.com", "-addext",
                "subjectAltName=DNS:hooks.example.com",
            ])
        openssl.waitUntilExit()
        try #require(openssl.terminationStatus == 0)
        let python = try Self.start("python3", ["-c", Self.receiver, path])
        defer { python.terminate() }
        func lines(_ name: String) -> [String] {
            (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8))?.split(separator: "\n").map(String.init)
                ?? []
        }
        try await eventually("the receiver listens") { !lines("port").isEmpty }
        let port = lines("port")[0]

        func post(to host: String, _ poster: WebhookPoster) async throws -> Int {
            try await poster.post(
                [1], to: try WebhookURL("https://\(host):\(port)/"), at: [WebhookAddress("127.0.0.1")!], headers: []
            ).status
        }
        var trusting = WebhookPoster()
        trusting.tls.trustRoots = .file("\(path)/cert.pem")
        let status = try await post(to: "hooks.example.com", trusting)
        #expect(status == 204 && lines("names") == ["hooks.example.com"])
        await #expect(throws: WebhookFailure.self) { try await post(to: "other.example.com", trusting) }
        await #expect(throws: WebhookFailure.self) { try await post(to: "hooks.example.com", WebhookPoster()) }
        await #expect(throws: WebhookFailure.self) { try await post(to: "127.0.0.1", trusting) }
    }
}
