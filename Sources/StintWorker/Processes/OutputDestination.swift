import Dispatch
import StintCore
import StintPlatform
import Synchronization

/// Standard output or error, shared by handlers' lines and log messages. Writers never wait for its reader: lines are
/// buffered up to a limit and written by a separate thread. Lines that do not fit are dropped and counted, and when the
/// output flows again, a line reports how many there were.
///
/// Lines never mix, not even with those of other processes if each fits into `PIPE_BUF`.
package final class OutputDestination: Sendable {
    package static let standardOutput = shared(STDOUT_FILENO, "standard output")
    package static let standardError = shared(STDERR_FILENO, "standard error")

    /// The most unwritten output that is kept.
    package struct Limits: Sendable {
        package var bytes = 1_048_576
        package var lines = 16_384
        /// The share of both for handlers' lines; the rest is for log messages.
        package var shareOfHandlers = 0.75
        /// A reader that has taken nothing for this long does not read; nothing waits for it any more.
        package var patience: Duration = .seconds(1)

        package init() {}

        fileprivate func permits(_ bytes: Int, _ lines: Int, share: Double) -> Bool {
            Double(bytes) <= Double(self.bytes) * share && Double(lines) <= Double(self.lines) * share
        }
    }

    /// How long this process waits at its end for unwritten output.
    private static let farewell: Duration = .seconds(1)

    private struct Line {
        let bytes: [UInt8]
        /// How many lines it stands for: one, or those that were dropped.
        let count: Int
    }

    private struct State {
        var lines: [Line] = []
        /// Counts all unwritten output, including what is being written.
        var waitingBytes = 0
        var waitingLines = 0
        /// Dropped since the last report, and in all.
        var dropped = 0
        var droppedInAll = 0
        var isWriting = false
        /// The last write has failed.
        var isBroken = false
        /// When output was last taken, or began to wait.
        var lastProgress = ContinuousClock.now
    }

    private let descriptor: Int32
    private let name: String
    let limits: Limits
    private let state = Mutex(State())
    private let queue: DispatchQueue

    package init(_ descriptor: Int32, name: String = "the output", limits: Limits = Limits()) {
        self.descriptor = descriptor
        self.name = name
        self.limits = limits
        queue = DispatchQueue(label: "stint.output")
    }

    /// Writes the remaining output at exit, as far as it is read.
    private static let flushesAtExit: Void = {
        atexit {
            OutputDestination.standardOutput.flush(within: OutputDestination.farewell)
            OutputDestination.standardError.flush(within: OutputDestination.farewell)
        }
    }()

    private static func shared(_ descriptor: Int32, _ name: String) -> OutputDestination {
        flushesAtExit
        return OutputDestination(descriptor, name: name)
    }

    // MARK: - From any thread

    /// Takes a log message, or drops it; never waits.
    package func log(_ line: [UInt8]) {
        if !take(line, share: 1) { drop() }
    }

    /// Takes a handler's line if the limit allows it.
    ///
    /// - Returns: `false` if not; then the caller tries again a little later, or drops it.
    func offer(_ line: [UInt8]) -> Bool { take(line, share: limits.shareOfHandlers) }

    /// Counts a line that the caller drops.
    func drop() {
        state.withLock { state in
            state.dropped += 1
            state.droppedInAll += 1
        }
    }

    /// Whether its reader has taken nothing for a while although there is output.
    var isStalled: Bool {
        state.withLock { $0.waitingLines > 0 && ContinuousClock.now - $0.lastProgress >= limits.patience }
    }

    var waitingLines: Int { state.withLock { $0.waitingLines } }
    var waitingBytes: Int { state.withLock { $0.waitingBytes } }
    var isEmpty: Bool { waitingLines == 0 }

    var hasDropped: Bool { state.withLock { $0.droppedInAll > 0 } }

    /// Waits until all is written, but no longer than `limit`, and not for a reader that does not read. Blocks.
    package func flush(within limit: Duration) {
        let deadline = ContinuousClock.now + limit
        while state.withLock({ $0.waitingLines > 0 }), ContinuousClock.now < deadline, !isStalled { usleep(1_000) }
    }

    private func take(_ line: [UInt8], share: Double) -> Bool {
        let (isTaken, starts) = state.withLock { state -> (Bool, Bool) in
            let isPermitted = limits.permits(state.waitingBytes + line.count, state.waitingLines + 1, share: share)
            guard isPermitted || state.waitingLines == 0 else { return (false, false) }
            if state.waitingLines == 0 { state.lastProgress = .now }
            state.lines.append(Line(bytes: line, count: 1))
            state.waitingBytes += line.count
            state.waitingLines += 1
            defer { state.isWriting = true }
            return (true, !state.isWriting)
        }
        if starts { queue.async { self.writeAll() } }
        return isTaken
    }

    // MARK: - On the queue

    private func writeAll() {
        while let lines = next() {
            var rest = lines[...]
            while !rest.isEmpty {
                let count = Self.countInOneWrite(rest)
                write(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
        }
    }

    /// All waiting lines, with a report of dropped ones; `nil` if there is nothing to write.
    private func next() -> [Line]? {
        state.withLock { state in
            guard !state.lines.isEmpty || state.dropped > 0 && !state.isBroken else {
                state.isWriting = false
                return nil
            }
            var lines = state.lines
            state.lines = []
            if state.dropped > 0 {
                let text = "stint: \(state.dropped) lines were dropped here, since \(name) did not take them\n"
                lines.append(Line(bytes: Array(text.utf8), count: state.dropped))
                state.dropped = 0
                state.waitingBytes += text.utf8.count
                state.waitingLines += 1
            }
            return lines
        }
    }

    /// How many lines fit into one atomic write, at least one.
    private static func countInOneWrite(_ lines: ArraySlice<Line>) -> Int {
        var (count, bytes) = (0, 0)
        for line in lines {
            bytes += line.bytes.count
            if count > 0 && bytes > Int(PIPE_BUF) { break }
            count += 1
        }
        return count
    }

    private func write(_ lines: ArraySlice<Line>) {
        let bytes = lines.count == 1 ? lines.first!.bytes : lines.flatMap(\.bytes)
        var left = bytes[...]
        while !left.isEmpty, let count = left.withUnsafeBytes(writeSome) {
            left = left.dropFirst(count)
            state.withLock { $0.lastProgress = .now }
        }
        state.withLock { state in
            state.waitingBytes -= bytes.count
            state.waitingLines -= lines.count
            // The reader is gone, or the disk full.
            state.isBroken = !left.isEmpty
            if state.isBroken {
                state.dropped += lines.reduce(0) { $0 + $1.count }
                state.droppedInAll += lines.count
            }
        }
    }

    /// How many bytes were written; `nil` if writing failed.
    private func writeSome(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let count = StintPlatform.write(descriptor, bytes.baseAddress, bytes.count)
        if count >= 0 { return count }
        switch errno {
        case EINTR: return 0
        case EAGAIN:
            // Another process that shares it has made it non-blocking.
            var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&event, 1, -1)
            return 0
        default: return nil
        }
    }
}
