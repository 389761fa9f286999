import Foundation
import StintPlatform
import Synchronization
import TestSupport

/// An HTTP server of this machine, for webhooks: it keeps what it gets, and answers as a test says.
final class Receiver: Sendable {
    struct Request: Sendable {
        let line: String
        /// By lower-case names.
        let headers: [String: String]
        let body: [UInt8]
    }

    let port: Int
    private let socket: Int32
    private let kept = Mutex<[Request]>([])
    private let arrivals: AsyncStream<Request>
    private let arrived: AsyncStream<Request>.Continuation

    var requests: [Request] { kept.withLock { $0 } }

    /// - Parameter answer: The whole answer to the request of this number, from 1; `nil`: none at all.
    init(port: Int = 0, answer: @escaping @Sendable (Int) -> String?) throws {
        let (descriptor, number) = try listeningSocket(port: UInt16(port))
        socket = descriptor
        self.port = Int(number)
        (arrivals, arrived) = AsyncStream.makeStream()
        Thread.detachNewThread { [descriptor, weak self] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                self?.serve(connection, answer)
            }
        }
    }

    deinit { stop() }

    func stop() {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
        arrived.finish()
    }

    private func serve(_ connection: Int32, _ answer: @Sendable (Int) -> String?) {
        defer { close(connection) }
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let place = bytes.firstRange(of: end) {
                let lines = String(decoding: bytes[..<place.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                let headers = lines.dropFirst().reduce(into: [String: String]()) { headers, line in
                    let pair = line.split(separator: ":", maxSplits: 1)
                    headers[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces)
                }
                let body = bytes[place.upperBound...]
                if body.count >= Int(headers["content-length"] ?? "0")! {
                    let request = Request(line: lines[0], headers: headers, body: Array(body))
                    let number = kept.withLock { kept in
                        kept.append(request)
                        return kept.count
                    }
                    if let text = answer(number) {
                        let data = Array(text.utf8)
                        _ = send(connection, data, data.count, Int32(MSG_NOSIGNAL))
                        shutdown(connection, Int32(SHUT_WR))
                    }
                    arrived.yield(request)
                    // Until the other side closes.
                    var rest = [UInt8](repeating: 0, count: 4_096)
                    while recv(connection, &rest, rest.count, 0) > 0 {}
                    return
                }
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            bytes += buffer[..<count]
        }
    }

    /// Waits until so many requests have come.
    func requests(_ count: Int) async -> [Request] {
        if requests.count >= count { return requests }
        for await _ in arrivals where requests.count >= count { break }
        return requests
    }

    /// An answer with a body.
    static func answer(_ status: Int, _ headers: String = "", body: String = "") -> String {
        "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)"
    }
}
