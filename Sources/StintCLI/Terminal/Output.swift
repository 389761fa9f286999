import StintCore
import StintPlatform
import StintWorker

/// Standard output, in exact bytes; every failed write throws.
struct Output {
    private var buffer: [UInt8] = []

    mutating func line(_ text: String) throws {
        buffer += text.utf8
        buffer.append(0x0A)
        if buffer.count >= 65_536 { try flush() }
    }

    /// Writes the buffered output; call it at the end.
    mutating func flush() throws {
        try Self.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    static func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { StintPlatform.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                throw BrokenPipe()
            } else if errno == EAGAIN {
                waitUntilWritable(STDOUT_FILENO)
            } else if errno != EINTR {
                throw OutputFailed(
                    description: "standard output cannot be written: \(systemError())")
            }
        }
    }

    /// Waits until a pipe is not full. Other processes such as ssh and Node.js may have made standard output
    /// non-blocking. An error is found by the next write.
    private static func waitUntilWritable(_ descriptor: Int32) {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, -1)
    }

    static func print(_ text: String) throws {
        try write(Array((text + "\n").utf8))
    }

    /// Writes one sentence to standard error, safe for a terminal. Errors are ignored, and a reader that does not read
    /// delays it by at most 1 s.
    static func printError(_ text: String) {
        tell(text)
        OutputDestination.standardError.flush(within: .seconds(1))
    }

    /// The same without waiting.
    static func tell(_ text: String) {
        ProgressBar.clear()
        OutputDestination.standardError.log(Array("stint: \(oneLine(text, limit: 2_000))\n".utf8))
    }
}
