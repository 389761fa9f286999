import CStint
import Dispatch
import StintPlatform

/// The write end of a pipe, written to without blocking. SIGPIPE must be ignored.
///
/// `@unchecked Sendable`: everything mutable is used on `queue` alone.
final class PipeWriter: @unchecked Sendable {
    private struct Item {
        /// Called when everything before it is written; `nil` skips it.
        let make: @Sendable (_ offset: Int) -> [UInt8]?
        let done: @Sendable (_ isWritten: Bool) -> Void
    }

    private let descriptor: Int32
    private let readEnd: Int32?
    private let queue: DispatchQueue
    private var ticket: DescriptorPoller.Ticket?
    private var isWaiting: Bool { ticket != nil }
    private var isClosed = false
    private var closesWhenDone = false
    private var items: [Item] = []
    private var bytes: [UInt8] = []
    private var offset = 0
    /// How many bytes are in the pipe or were read from it.
    private var written = 0
    private var takenInAll = 0

    /// Owns the descriptors from now on. ``close()`` must be called in the end.
    ///
    /// - Parameter readEnd: The pipe's other end, to know how much was read. If it is open here, a write does not fail
    ///   when the reader is gone.
    init(_ descriptor: Int32, readEnd: Int32? = nil, name: String) {
        makeNonBlocking(descriptor)
        self.descriptor = descriptor
        self.readEnd = readEnd
        queue = DispatchQueue(label: "stint.pipe.\(name)")
    }

    /// Writes after all earlier requests. Returns `true` when everything is in the pipe, and `false` if its reader is
    /// gone or the pipe was closed.
    func write(_ bytes: [UInt8]) async -> Bool {
        await withCheckedContinuation { continuation in
            write({ _ in bytes }, done: { continuation.resume(returning: $0) })
        }
    }

    /// The same with bytes that are created when their turn has come.
    ///
    /// - Parameters:
    ///   - make: Gets the number of bytes that were written before, and returns `nil` to write nothing.
    ///   - done: Gets whether everything was written. Both are called on the writer's queue, at most once.
    func write(
        _ make: @escaping @Sendable (_ offset: Int) -> [UInt8]?, done: @escaping @Sendable (_ isWritten: Bool) -> Void
    ) {
        queue.async {
            guard !self.isClosed else { return done(false) }
            self.items.append(Item(make: make, done: done))
            if !self.isWaiting { self.advance() }
        }
    }

    /// Closes the pipe when all requests are written.
    func closeWhenDone() {
        queue.async {
            self.closesWhenDone = true
            if !self.isWaiting { self.advance() }
        }
    }

    /// Closes the pipe now and drops what is not written yet.
    ///
    /// - Returns: How many bytes were read from it, if the read end is known, otherwise 0.
    @discardableResult
    func close() async -> Int {
        await withCheckedContinuation { continuation in
            queue.async {
                self.end()
                continuation.resume(returning: self.takenInAll)
            }
        }
    }

    /// How many bytes were read from the pipe until now, if the read end is known, otherwise 0.
    func taken() async -> Int {
        await withCheckedContinuation { continuation in
            queue.async {
                self.countTaken()
                continuation.resume(returning: self.takenInAll)
            }
        }
    }

    // MARK: - On the queue

    private func advance() {
        while !isClosed {
            if offset == bytes.count {
                guard begin() else { return }
                continue
            }
            let count = bytes.withUnsafeBytes { bytes in
                StintPlatform.write(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
            }
            if count > 0 {
                offset += count
                written += count
                if offset == bytes.count { finishItem() }
            } else if errno == EAGAIN {
                return waitForRoom()
            } else if errno != EINTR {
                end()
            }
        }
    }

    /// Begins the next item; `false` if there is none.
    private func begin() -> Bool {
        guard let item = items.first else {
            if closesWhenDone { end() }
            return false
        }
        bytes = item.make(written) ?? []
        offset = 0
        if bytes.isEmpty { finishItem() }
        return true
    }

    private func finishItem() {
        (bytes, offset) = ([], 0)
        items.removeFirst().done(true)
    }

    private func end() {
        guard !isClosed else { return }
        countTaken()
        if let readEnd { closeAll([readEnd]) }
        isClosed = true
        (bytes, offset) = ([], 0)
        let items = items
        self.items = []
        for item in items { item.done(false) }
        if let ticket { DescriptorPoller.shared.cancel(ticket) }
        closeAll([descriptor])
    }

    private func countTaken() {
        guard let readEnd, !isClosed else { return }
        takenInAll = written - max(0, Int(stint_bytes_waiting(readEnd)))
    }

    private func waitForRoom() {
        // The poller keeps this object alive meanwhile.
        ticket = DescriptorPoller.shared.once(.writable, descriptor, on: queue) {
            self.ticket = nil
            self.advance()
        }
    }
}
