import Foundation
import StintPlatform
import TestSupport

/// A client that sends exactly the bytes that it is given.
struct WebClient: Sendable {
    let port: Int

    struct Answer: Sendable {
        let status: Int
        /// By lower-case names.
        let headers: [String: String]
        let body: String
    }

    /// - Parameters:
    ///   - headers: Instead of the usual ones of the same names; an empty value leaves one out.
    func send(
        _ method: String = "GET", _ path: String, headers: [String: String] = [:], body: String = ""
    ) async throws -> Answer {
        var all = ["Host": "127.0.0.1:\(port)", "Connection": "close"]
        if method != "GET" {
            all["Content-Type"] = "application/x-www-form-urlencoded"
            all["Content-Length"] = "\(body.utf8.count)"
            all["Sec-Fetch-Site"] = "same-origin"
        }
        all.merge(headers) { $1 }
        let head = all.filter { !$0.value.isEmpty }.map { "\($0.key): \($0.value)\r\n" }.sorted().joined()
        return try Self.parsed(try await exchange("\(method) \(path) HTTP/1.1\r\n\(head)\r\n\(body)"))
    }

    /// Asks for what may have no end.
    ///
    /// - Returns: The connection, and what has come up to a text.
    func begin(
        _ path: String, headers: [String: String] = [:], until text: String
    ) async throws -> (connection: WebConnection, text: String) {
        try await Self.onThread { [port] in
            let connection = try WebConnection(port: port)
            let more = headers.map { "\($0.key): \($0.value)\r\n" }.joined()
            try connection.write("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(more)\r\n")
            return (connection, try connection.read(until: text))
        }
    }

    /// The status of an answer that may have no end.
    func status(_ path: String, headers: [String: String] = [:]) async throws -> Int {
        try Self.parsed(try await begin(path, headers: headers, until: "\r\n\r\n").text).status
    }

    /// Waits on a thread of its own: those of the global queue run Swift's tasks too, and so the server.
    static func onThread<Value: Sendable>(_ wait: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try wait() }) }
        }
    }

    /// Sends bytes and reads until the server closes the connection.
    func exchange(_ text: String) async throws -> String {
        try await Self.onThread { [port] in
            let connection = try WebConnection(port: port)
            try connection.write(text)
            return try connection.readToEnd()
        }
    }

    private static func parsed(_ text: String) throws -> Answer {
        let parts = text.components(separatedBy: "\r\n\r\n")
        let lines = parts[0].components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }
        guard let status else { throw WebClientError(description: "no answer, but \(text.prefix(200))") }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2 {
                headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return Answer(status: status, headers: headers, body: parts.dropFirst().joined(separator: "\r\n\r\n"))
    }
}

typealias TemporaryFolder = TestSupport.TemporaryFolder

struct WebClientError: Error, CustomStringConvertible {
    let description: String
}

/// A connection to a port of this machine.
final class WebConnection: @unchecked Sendable {
    private let descriptor: Int32

    init(port: Int, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        guard descriptor >= 0 else { throw WebClientError(description: "no socket: \(errno)") }
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var time = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else {
            close(descriptor)
            throw WebClientError(description: "no connection: \(errno)")
        }
    }

    deinit { close(descriptor) }

    func write(_ text: String) throws {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw WebClientError(description: "cannot write: \(errno)") }
            bytes = bytes.dropFirst(count)
        }
    }

    /// - Returns: `nil` at the end.
    func read() throws -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw WebClientError(description: "nothing came: \(errno)") }
        return count == 0 ? nil : Array(buffer[..<count])
    }

    func readToEnd() throws -> String {
        var bytes: [UInt8] = []
        while let part = try read() { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads until a text has come.
    func read(until text: String) throws -> String {
        var bytes: [UInt8] = []
        while true {
            guard let part = try read() else { throw WebClientError(description: "the end came before \(text)") }
            bytes += part
            let all = String(decoding: bytes, as: UTF8.self)
            if all.contains(text) { return all }
        }
    }
}
