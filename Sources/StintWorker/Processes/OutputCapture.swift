import Synchronization

/// The ends of a process's standard output and error, kept in memory instead of being passed on.
final class OutputCapture: Sendable {
    /// The most bytes that are kept of each.
    static let limit = 65_536

    let standardOutput = Stream()
    let standardError = Stream()

    final class Stream: Sendable {
        private struct State {
            var bytes: [UInt8] = []
            var total = 0
        }

        private let state = Mutex(State())

        func append(_ more: UnsafeRawBufferPointer) {
            state.withLock { state in
                state.total += more.count
                state.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: more.suffix(limit)))
                if state.bytes.count > 2 * limit { state.bytes.removeFirst(state.bytes.count - limit) }
            }
        }

        /// The last bytes, and how many there were in all.
        var end: (bytes: [UInt8], total: Int) { state.withLock { (Array($0.bytes.suffix(limit)), $0.total) } }
    }
}
