import Dispatch
import StintPlatform
import Synchronization

/// Sends messages over the socket of a worker and its supervisor without blocking, from any thread: a process that does
/// not read must not stop the other one. What does not fit is sent when there is room.
final class MessageSender: Sendable {
    private let descriptor: Int32
    private let queue = DispatchQueue(label: "stint.message-sender")
    private let state = Mutex(State())

    private struct State {
        var unsent = UnsentMessages()
        /// Waits until the socket can be written to.
        var ticket: DescriptorPoller.Ticket?
        var isClosed = false
    }

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    func say(_ message: ControlMessage) { add { $0.add(message) } }
    func send(_ frame: [UInt8]) { add { $0.add(frame) } }

    /// How many bytes of frames wait.
    var unsentBytes: Int { state.withLock { $0.unsent.waitingBytes } }
    var isEmpty: Bool { state.withLock { $0.unsent.isEmpty } }

    private func add(_ add: (inout UnsentMessages) -> Void) {
        state.withLock { state in
            guard !state.isClosed else { return }
            add(&state.unsent)
            trySending(&state)
        }
    }

    /// Sends what there is room for.
    func flush() { add { _ in } }

    private func trySending(_ state: inout State) {
        state.unsent.send { LocalSocket.send($0, to: descriptor) }
        guard !state.unsent.isEmpty, state.ticket == nil else { return }
        state.ticket = DescriptorPoller.shared.once(.writable, descriptor, on: queue) {
            self.state.withLock { $0.ticket = nil }
            self.flush()
        }
    }

    /// Nothing more is sent: the descriptor is about to be closed.
    func close() {
        let ticket = state.withLock { state in
            (state.isClosed, state.unsent) = (true, UnsentMessages())
            return state.ticket
        }
        if let ticket { DescriptorPoller.shared.cancel(ticket) }
    }
}
