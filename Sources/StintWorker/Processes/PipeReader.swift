import CStint
import Dispatch
import StintPlatform

/// The read end of a pipe.
///
/// `onBytes` is called with the data, in order and never concurrently, on a queue of its own. While it blocks, nothing
/// more is read, and the writer has to wait.
///
/// `@unchecked Sendable`: everything mutable is used on `queue` alone.
final class PipeReader: @unchecked Sendable {
    /// The most that is read at once.
    static let chunk = 65_536
    /// How often it reads before others on its queue have their turn.
    private static let readsInARow = 16

    private let descriptor: Int32
    private let queue: DispatchQueue
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk, alignment: 1)
    private let onBytes: (UnsafeRawBufferPointer) -> Void
    private let onEnd: () -> Void
    private let isShort: Bool
    private var ticket: DescriptorPoller.Ticket?
    private var isOver = false
    private let closed = Promise<Void>()

    /// Owns the descriptor from now on.
    ///
    /// - Parameters:
    ///   - isShort: Whether both closures return at once, whatever happens; see ``DescriptorPoller``.
    ///   - onEnd: Called once, on the same queue, after the last bytes.
    init(
        _ descriptor: Int32, name: String, isShort: Bool = false,
        onBytes: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        onEnd: @escaping @Sendable () -> Void = {}
    ) {
        makeNonBlocking(descriptor)
        self.descriptor = descriptor
        self.onBytes = onBytes
        self.onEnd = onEnd
        self.isShort = isShort
        queue = DispatchQueue(label: "stint.pipe.\(name)")
        queue.async { self.waitForBytes() }
    }

    /// Reads what is in the pipe now and then calls `body` on the queue, even if others write on. `onBytes` has then
    /// received everything that was written before this call.
    func takeWhatIsThere<Value: Sendable>(then body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async {
                self.readWhatIsThere()
                continuation.resume(returning: body())
            }
        }
    }

    /// Reads what is in the pipe now and closes it, even if others keep its other end open. Afterwards neither closure
    /// is called.
    func finish() async {
        queue.async {
            self.readWhatIsThere()
            self.end()
        }
        await closed.value()
    }

    // MARK: - On the queue

    private func waitForBytes() {
        guard !isOver else { return }
        // The poller keeps this object alive meanwhile. A short one stays registered: no lock and no wake-up of the poller
        // for each message.
        ticket =
            isShort
            ? DescriptorPoller.shared.whenever(.readable, descriptor, on: queue) { self.readSome() }
            : DescriptorPoller.shared.once(.readable, descriptor, on: queue) {
                self.readSome()
                self.waitForBytes()
            }
    }

    private func readSome() {
        for _ in 1...Self.readsInARow {
            // Less than there was room for: there is no more now.
            if readOnce(upTo: Self.chunk) < Self.chunk { break }
        }
    }

    private func readWhatIsThere() {
        guard !isOver else { return }
        // Not until it is empty: a writer may go on for ever.
        var left = Int(stint_bytes_waiting(descriptor))
        while !isOver && left > 0 {
            let count = readOnce(upTo: min(left, Self.chunk))
            if count <= 0 { return }
            left -= count
        }
    }

    /// How many bytes were read; 0 if there were none.
    private func readOnce(upTo limit: Int) -> Int {
        guard !isOver else { return 0 }
        let count = read(descriptor, buffer.baseAddress, limit)
        if count > 0 {
            onBytes(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            end()
        }
        return max(0, count)
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        onEnd()
        if let ticket { DescriptorPoller.shared.cancel(ticket) }
        close(descriptor)
        buffer.deallocate()
        closed.set(())
    }
}
