import StintPlatform
import Synchronization
import TestSupport

/// A TCP server on loopback in front of a PostgreSQL server's socket. It passes everything on, until it is asked to cut
/// the connection on which a certain text is sent.
package final class CuttingProxy: Sendable {
    package enum Place: Sendable {
        /// The server does not get the bytes with the text.
        case beforeTheServer
        /// The server gets them and answers, and the client does not get the answer.
        case beforeTheAnswer
    }

    private struct Cut: Sendable {
        let text: [UInt8]
        let place: Place
    }

    /// The two sockets of a connection that is passed on.
    private struct Pair {
        let client: Int32
        let server: Int32
        var swallowsAnswer = false
    }

    private let socketPath: String
    private let listening: Int32
    private let port: UInt16
    private let cut = Mutex<Cut?>(nil)
    private let cuts = Atomic<Int>(0)

    /// - Parameter folder: Where the server has its socket.
    package init(to folder: String) throws {
        socketPath = folder + "/.s.PGSQL.5432"
        (listening, port) = try listeningSocket()
        try LongLivedThread.start { [self] in serve() }
    }

    #if os(Linux)
        private static let stream = Int32(SOCK_STREAM.rawValue)
    #else
        private static let stream = SOCK_STREAM
    #endif

    package func url(_ database: String) -> String { "postgres://postgres@127.0.0.1:\(port)/\(database)" }

    /// Cuts the next connection on which the client sends a text.
    package func cut(_ place: Place, at text: String) {
        cut.withLock { $0 = Cut(text: Array(text.utf8), place: place) }
    }

    /// How many connections were cut.
    package var cutCount: Int { cuts.load(ordering: .acquiring) }

    private func serve() -> Never {
        var pairs: [Pair] = []
        while true {
            var events = ([listening] + pairs.flatMap { [$0.client, $0.server] }).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            poll(&events, nfds_t(events.count), -1)
            let old = pairs
            pairs = []
            for (index, pair) in old.enumerated() {
                var pair = pair
                let isOpen =
                    (events[2 * index + 1].revents == 0 || passRequest(&pair))
                    && (events[2 * index + 2].revents == 0 || passAnswer(pair))
                if isOpen { pairs.append(pair) } else { close([pair.client, pair.server]) }
            }
            if events[0].revents != 0, let pair = accepted() { pairs.append(pair) }
        }
    }

    private func accepted() -> Pair? {
        let pair = Pair(client: accept(listening, nil, nil), server: socket(AF_UNIX, Self.stream, 0))
        for descriptor in [pair.client, pair.server] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(pair.server, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return pair }
        close([pair.client, pair.server])
        return nil
    }

    /// - Returns: Whether the connection goes on.
    private func passRequest(_ pair: inout Pair) -> Bool {
        guard let bytes = received(pair.client) else { return false }
        let found = cut.withLock { cut in
            guard let found = cut, bytes.contains(found.text) else { return nil as Cut? }
            cut = nil
            return found
        }
        switch found?.place {
        case nil: break
        case .beforeTheAnswer?: pair.swallowsAnswer = true
        case .beforeTheServer?:
            cuts.add(1, ordering: .acquiringAndReleasing)
            return false
        }
        return send(bytes, to: pair.server)
    }

    private func passAnswer(_ pair: Pair) -> Bool {
        guard let bytes = received(pair.server) else { return false }
        guard pair.swallowsAnswer else { return send(bytes, to: pair.client) }
        // ReadyForQuery is the end of the answer.
        guard bytes.suffix(6).starts(with: [0x5A, 0, 0, 0, 5]) else { return true }
        cuts.add(1, ordering: .acquiringAndReleasing)
        return false
    }

    private func received(_ descriptor: Int32) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &buffer, buffer.count)
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // This thread has SIGPIPE blocked.
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func close(_ descriptors: [Int32]) {
        for descriptor in descriptors where descriptor >= 0 { StintPlatform.close(descriptor) }
    }
}
