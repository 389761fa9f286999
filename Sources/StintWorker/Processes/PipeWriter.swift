import Dispatch

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The end of a pipe that is written to as its reader takes the data. SIGPIPE must be ignored.
///
/// `@unchecked Sendable`: everything mutable is used on `queue` alone.
final class PipeWriter: @unchecked Sendable {
    private struct Item {
        /// Called when all before it is written; `nil` leaves it out.
        let make: @Sendable (_ offset: Int) -> [UInt8]?
        let done: @Sendable (_ isWritten: Bool) -> Void
    }

    private let descriptor: Int32
    private let queue: DispatchQueue
    private let source: any DispatchSourceWrite
    private var isWaiting = false
    private var isClosed = false
    private var closesWhenDone = false
    private var items: [Item] = []
    private var bytes: [UInt8] = []
    private var offset = 0
    /// How many bytes are in the pipe or were read from it.
    private var written = 0

    /// Owns the descriptor from now on. ``close()`` must be called in the end.
    init(_ descriptor: Int32, name: String) {
        makeNonBlocking(descriptor)
        self.descriptor = descriptor
        queue = DispatchQueue(label: "stint.pipe.\(name)")
        source = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { self.advance() }
        source.setCancelHandler { closeAll([descriptor]) }
    }

    /// Writes after what was asked for before. Ends when all is in the pipe (`true`), or its reader is gone or the pipe
    /// closed (`false`).
    func write(_ bytes: [UInt8]) async -> Bool {
        await withCheckedContinuation { continuation in
            write({ _ in bytes }, done: { continuation.resume(returning: $0) })
        }
    }

    /// The same with bytes that are made when their turn has come.
    ///
    /// - Parameters:
    ///   - make: Gets the number of bytes that were written before, and answers `nil` where nothing shall be written.
    ///   - done: Whether all was written. Both are called on the writer's queue, at most once.
    func write(
        _ make: @escaping @Sendable (_ offset: Int) -> [UInt8]?, done: @escaping @Sendable (_ isWritten: Bool) -> Void
    ) {
        queue.async {
            guard !self.isClosed else { return done(false) }
            self.items.append(Item(make: make, done: done))
            if !self.isWaiting { self.advance() }
        }
    }

    /// Closes the pipe when all that was asked for is written.
    func closeWhenDone() {
        queue.async {
            self.closesWhenDone = true
            if !self.isWaiting { self.advance() }
        }
    }

    /// Closes the pipe now: what is not written yet never will be.
    ///
    /// - Returns: How many bytes were written to the pipe.
    @discardableResult
    func close() async -> Int {
        await withCheckedContinuation { continuation in
            queue.async {
                self.end()
                continuation.resume(returning: self.written)
            }
        }
    }

    // MARK: - On the queue

    private func advance() {
        while !isClosed {
            if offset == bytes.count {
                guard begin() else { break }
                continue
            }
            let count = bytes.withUnsafeBytes { bytes in
                systemWrite(descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
            }
            if count > 0 {
                offset += count
                written += count
                if offset == bytes.count { finishItem() }
            } else if errno == EAGAIN {
                return wait()
            } else if errno != EINTR {
                end()
            }
        }
        rest()
    }

    /// Takes the next item up; `false` where there is none.
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
        isClosed = true
        (bytes, offset) = ([], 0)
        let items = items
        self.items = []
        for item in items { item.done(false) }
        // A suspended source can be cancelled only when it was resumed.
        wait()
        source.cancel()
    }

    private func wait() {
        guard !isWaiting else { return }
        isWaiting = true
        source.resume()
    }

    private func rest() {
        guard isWaiting && !isClosed else { return }
        isWaiting = false
        source.suspend()
    }
}
