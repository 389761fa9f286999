import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Passes on what a handler's process writes, line by line, each with a prefix that says whose it is.
///
/// A line goes out in one write, so it is never mixed with another of this process. One that is longer than
/// `longestLine` goes out in pieces of that size, each as a line of its own, and a last line without line break gets
/// one. A destination that blocks blocks the caller; where its reader is gone, the output is dropped.
///
/// `@unchecked Sendable`: a ``PipeReader`` calls ``append(_:)`` and ``finish()`` on its queue, one after the other.
final class OutputLines: @unchecked Sendable {
    /// In bytes, without prefix and line break.
    static let longestLine = 8_192

    private var splitter: LineSplitter
    private let destination: OutputDestination
    private let prefix: @Sendable () -> String

    init(
        to destination: OutputDestination, longestLine: Int = OutputLines.longestLine,
        prefix: @escaping @Sendable () -> String
    ) {
        splitter = LineSplitter(limit: longestLine)
        self.destination = destination
        self.prefix = prefix
    }

    func append(_ bytes: UnsafeRawBufferPointer) {
        splitter.append(bytes) { line, _ in pass(line) }
    }

    func finish() {
        splitter.finish { line in pass(line) }
    }

    private func pass(_ line: ArraySlice<UInt8>) {
        destination.write(Array(prefix().utf8) + line + [0x0A])
    }
}

/// Where output goes, shared by all that write to it.
final class OutputDestination: Sendable {
    static let standardOutput = OutputDestination(STDOUT_FILENO)
    static let standardError = OutputDestination(STDERR_FILENO)

    private let descriptor: Int32
    /// Held while a line is written, so that the next waits for it.
    private let turn = Mutex(())
    /// How many are at it or wait for their turn.
    private let writing = Atomic(0)

    /// Whether somebody is writing or waits to: long, where its reader does not read.
    var isBusy: Bool { writing.load(ordering: .relaxed) > 0 }

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Writes all, and waits where it must; not for Swift's cooperative threads. What cannot be written is dropped: a
    /// handler's chatter is not worth failing a job for.
    func write(_ line: [UInt8]) {
        writing.add(1, ordering: .relaxed)
        defer { writing.subtract(1, ordering: .relaxed) }
        turn.withLock { _ in
            line.withUnsafeBytes { bytes in
                var left = bytes[...]
                while !left.isEmpty, let count = writeSome(UnsafeRawBufferPointer(rebasing: left)) {
                    left = left.dropFirst(count)
                }
            }
        }
    }

    /// `nil` where nothing can be written any more.
    private func writeSome(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let count = systemWrite(descriptor, bytes.baseAddress, bytes.count)
        if count >= 0 { return count }
        switch errno {
        case EINTR: return 0
        case EAGAIN:
            // Whoever shares it with this process has made it non-blocking.
            var event = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&event, 1, -1)
            return 0
        default: return nil
        }
    }
}
