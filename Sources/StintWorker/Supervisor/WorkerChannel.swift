import StintCore
import StintPlatform
import Synchronization

/// The supervisor's end of the socket to a worker process. The kernel closes each end when its process ends, so both
/// sides notice the other's death.
final class WorkerChannel: Sendable {
    /// Every line is much shorter.
    private static let longestLine = 256
    /// A worker that leaves more bytes of replies than this unread is killed. Claims stop long before
    /// (``StoreSession/replyBudget``).
    private static let maximumUnsent = 128 * 1_024 * 1_024

    private let descriptor: Int32
    private let reader = Mutex<PipeReader?>(nil)
    /// What ``listen(_:)`` was given.
    private let receiver = Mutex<(@Sendable (Message) throws -> Void)?>(nil)
    private let sender: MessageSender

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

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        sender = MessageSender(descriptor)
    }

    enum Message {
        case line(ControlMessage)
        /// A request, without its header.
        case frame(UnsafeRawBufferPointer)
        /// It has sent an invalid message, so nothing that follows can be read, or it reads no replies.
        case malformed
        /// No more messages will come.
        case end
    }

    /// - Parameter receive: Called with each message, on one thread for all workers. It must not block. If it throws, the
    ///   message was malformed.
    func listen(_ receive: @escaping @Sendable (Message) throws -> Void) {
        receiver.withLock { $0 = receive }
        let splitter = Mutex<FrameSplitter?>(
            FrameSplitter(longestLine: Self.longestLine, longestFrame: StoreRequest.maximumBytes))
        let reader = PipeReader(
            descriptor, name: "worker-channel", isShort: true,
            onBytes: { bytes in
                splitter.withLock { splitter in
                    do {
                        try splitter?.append(bytes) { part in
                            switch part {
                            case .line(let text):
                                if let message = ControlMessage(line: text) { try receive(.line(message)) }
                            case .frame(let frame): try receive(.frame(frame))
                            }
                        }
                    } catch {
                        splitter = nil
                        try? receive(.malformed)
                    }
                }
            },
            onEnd: { [sender] in
                sender.close()
                try? receive(.end)
            })
        self.reader.withLock { $0 = reader }
    }

    /// How many bytes of replies wait for the worker to read them.
    var unsentBytes: Int { sender.unsentBytes }

    /// Sends a reply.
    func send(_ frame: [UInt8]) {
        guard sender.unsentBytes > Self.maximumUnsent else { return sender.send(frame) }
        try? receiver.withLock(\.self)?(.malformed)
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
