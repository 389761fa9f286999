import StintCore
import StintPlatform
import StintWorker

/// Standard output, or a file, in exact bytes; every failed write throws.
struct Output {
    private var buffer: [UInt8] = []
    private let descriptor: Int32
    private let name: String

    init() { self.init(descriptor: STDOUT_FILENO, name: "standard output") }

    init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    mutating func line(_ text: String) throws {
        buffer += text.utf8
        buffer.append(0x0A)
        if buffer.count >= 65_536 { try flush() }
    }

    /// Writes the buffered output; call it at the end.
    mutating func flush() throws {
        try Self.write(buffer, to: descriptor, name)
        // The buffer of a very long line is not kept.
        buffer.removeAll(keepingCapacity: buffer.capacity <= 1_048_576)
    }

    static func write(_ bytes: [UInt8]) throws { try write(bytes, to: STDOUT_FILENO, "standard output") }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ name: String) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { StintPlatform.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                throw BrokenPipe()
            } else if errno == EAGAIN {
                waitUntilWritable(descriptor)
            } else if errno != EINTR {
                throw OutputFailed(
                    description: "\(name) cannot be written: \(systemError())")
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
