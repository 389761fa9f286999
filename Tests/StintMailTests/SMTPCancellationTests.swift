import Foundation
import StintCore
import StintPlatform
import TestSupport
import Testing

@testable import StintMail

/// A server on a thread of its own that greets, takes commands, and says no more after DATA.
private final class SilentServer: Sendable {
    let port: UInt16
    private let descriptor: Int32
    /// Called when the client waits.
    private let isSilent: @Sendable () -> Void
    private let greets: Bool

    init(greets: Bool, isSilent: @escaping @Sendable () -> Void) throws {
        (descriptor, port) = try listeningSocket()
        (self.greets, self.isSilent) = (greets, isSilent)
        Thread.detachNewThread { [self] in run() }
    }

    deinit { close(descriptor) }

    private func run() {
        let connection = accept(descriptor, nil, nil)
        defer { close(connection) }
        var received = ""
        func read(until end: String) {
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while !received.contains(end) {
                let count = recv(connection, &buffer, buffer.count, 0)
                guard count > 0 else { return }
                received += String(decoding: buffer[..<count], as: UTF8.self)
            }
        }
        func say(_ text: String) {
            _ = text.utf8CString.withUnsafeBytes { send(connection, $0.baseAddress, $0.count - 1, 0) }
        }
        if greets {
            say("220 silent.test\r\n")
            read(until: "EHLO")
            say("250-silent.test\r\n250 PIPELINING\r\n")
            read(until: "DATA\r\n")
        }
        isSilent()
        read(until: "the client closes the connection")
    }
}

@Suite(.timeLimit(.minutes(1))) struct SMTPCancellationTests {
    @Test("a cancelled delivery ends although the server says nothing", arguments: [true, false])
    func cancelling(greets: Bool) async throws {
        let (silence, isSilent) = AsyncStream.makeStream(of: Void.self)
        let server = try SilentServer(greets: greets) { isSilent.yield() }
        let transport = SMTPTransport(try SMTPServer("smtp://127.0.0.1:\(server.port)"), maxConnections: 1)
        let envelope = MailEnvelope(sender: nil, recipients: ["b@example.org"])
        func deliver() async -> SMTPFailure? {
            do {
                _ = try await transport.send(Array("x\n".utf8), envelope)
                return nil
            } catch {
                return error as? SMTPFailure
            }
        }
        let first = Task { await deliver() }
        _ = await silence.first { _ in true }
        // It waits for the only connection.
        let second = Task { await deliver() }
        second.cancel()
        #expect(await second.value?.kind == .cancelled)
        let start = ContinuousClock.now
        first.cancel()
        #expect(await first.value?.kind == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
