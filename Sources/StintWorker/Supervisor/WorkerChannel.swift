import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The supervisor's end of the socket to a worker process. The worker's end closes with the worker, this one with the
/// supervisor, whatever kills them.
final class WorkerChannel: Sendable {
    /// No message is nearly as long.
    private static let longestLine = 256

    private let descriptor: Int32
    private let reader = Mutex<PipeReader?>(nil)

    /// - Returns: The supervisor's end, and the descriptor for the worker, which the caller closes.
    /// - Throws: ``StartFailure`` where the system has no descriptors left.
    static func pair() throws -> (WorkerChannel, childEnd: Int32) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
            let result = socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #else
            let result = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        #endif
        guard result == 0 else { throw StartFailure(.pipe, "a socket to a worker cannot be made", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (WorkerChannel(ends[0]), ends[1])
    }

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Parameter hear: Called with each message, and with `nil` when there will be no more.
    func listen(_ hear: @escaping @Sendable (ControlMessage?) -> Void) {
        let splitter = Mutex(LineSplitter(limit: Self.longestLine))
        let reader = PipeReader(
            descriptor, name: "supervisor-line",
            onBytes: { bytes in
                splitter.withLock { splitter in
                    splitter.append(bytes) { line, _ in
                        if let message = ControlMessage(line: String(decoding: line, as: UTF8.self)) {
                            hear(message)
                        }
                    }
                }
            }, onEnd: { hear(nil) })
        self.reader.withLock { $0 = reader }
    }

    /// There is no worker, so nobody will ever listen.
    func close() {
        if reader.withLock({ $0 == nil }) { closeAll([descriptor]) }
    }

    /// Returns when all that the worker has said is heard, and closes the line; to be called after its end.
    func finish() async {
        await reader.withLock { $0 }?.finish()
    }
}
