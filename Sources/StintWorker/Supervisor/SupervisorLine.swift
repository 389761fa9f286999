import Dispatch
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The supervisor's end of the socket to a worker process. The worker's end closes with the worker, this one with the
/// supervisor, whatever kills them.
///
/// `@unchecked Sendable`: everything but `drain` happens on `thread`.
final class SupervisorLine: @unchecked Sendable {
    private static let thread = DispatchQueue(label: "stint.supervisor.lines")
    /// No message is nearly as long.
    private static let longestLine = 256

    private let descriptor: Int32
    private let source: any DispatchSourceRead
    private var pending: [UInt8] = []
    private var hear: ((SupervisorMessage?) -> Void)?

    /// - Returns: The supervisor's end, and the descriptor for the worker, which the caller closes.
    /// - Throws: ``StintError`` where the system has no descriptors left.
    static func pair() throws -> (SupervisorLine, childEnd: Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
            let result = socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #else
            let result = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        #endif
        guard result == 0 else {
            throw StintError(.storageFailed, "no socket to a worker can be made: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK)
        return (SupervisorLine(ends[0]), ends[1])
    }

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: Self.thread)
        source.setEventHandler { [weak self] in self?.read() }
        source.setCancelHandler { close(descriptor) }
    }

    deinit {
        source.activate()  // a source that never was must be, to be cancelled
        source.cancel()
    }

    /// - Parameter hear: Called with each message, and with `nil` when there will be no more.
    func listen(_ hear: @escaping @Sendable (SupervisorMessage?) -> Void) {
        Self.thread.async {
            self.hear = hear
            self.source.activate()
        }
    }

    /// Returns when all that the worker has said is heard; to be called after its end.
    func drain() async {
        await withCheckedContinuation { continuation in
            Self.thread.async {
                self.read()
                continuation.resume()
            }
        }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while hear != nil {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) { return }
            guard count > 0 else {
                hear?(nil)
                hear = nil
                return source.cancel()
            }
            pending += buffer[..<count]
            while let end = pending.firstIndex(of: 0x0A) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                if let message = SupervisorMessage(line: line) { hear?(message) }
            }
            if pending.count > Self.longestLine { pending = [] }
        }
    }
}
