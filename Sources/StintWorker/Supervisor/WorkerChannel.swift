import StintCore
import StintPlatform
import Synchronization

/// The supervisor's end of the socket to a worker process. The kernel closes each end when its process ends, so both
/// sides notice the other's death.
final class WorkerChannel: Sendable {
    /// Every message is much shorter.
    private static let longestLine = 256

    private let descriptor: Int32
    private let reader = Mutex<PipeReader?>(nil)

    /// - Returns: The supervisor's end, and the descriptor for the worker, which the caller closes.
    /// - Throws: ``StartFailure`` if the system has no descriptors left.
    static func pair() throws -> (WorkerChannel, childEnd: Int32) {
        do {
            let ends = try LocalSocket.pair()
            return (WorkerChannel(ends.0), ends.1)
        } catch {
            throw StartFailure(.pipe, "a socket to a worker cannot be created", error.rawValue)
        }
    }

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Parameter receive: Called with each message, and with `nil` after the last one. It must not block.
    func listen(_ receive: @escaping @Sendable (ControlMessage?) -> Void) {
        let splitter = Mutex(LineSplitter(limit: Self.longestLine))
        let reader = PipeReader(
            descriptor, name: "worker-channel", isShort: true,
            onBytes: { bytes in
                splitter.withLock { splitter in
                    splitter.append(bytes) { line, _ in
                        if let message = ControlMessage(line: String(decoding: line, as: UTF8.self)) {
                            receive(message)
                        }
                    }
                }
            }, onEnd: { receive(nil) })
        self.reader.withLock { $0 = reader }
    }

    /// Closes the socket if no worker was started.
    func close() {
        if reader.withLock({ $0 == nil }) { closeAll([descriptor]) }
    }

    /// Reads all remaining messages and closes the socket. Call it after the worker's end.
    func finish() async {
        await reader.withLock { $0 }?.finish()
    }
}
