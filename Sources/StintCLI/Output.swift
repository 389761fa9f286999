import StintCore
import StintWorker

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The reader of our output has gone (`stint list | head -1`): end quietly.
struct BrokenPipe: Error {}

/// Standard output, and not the database, is full or broken: exit code 1.
struct OutputFailed: Error, CustomStringConvertible {
    let description: String
}

/// Standard output, in exact bytes, with every failed write noticed.
struct Output {
    private var buffer: [UInt8] = []

    mutating func line(_ text: String) throws {
        buffer += text.utf8
        buffer.append(0x0A)
        if buffer.count >= 65_536 { try flush() }
    }

    /// Writes what is left; call it at the end.
    mutating func flush() throws {
        try Self.write(buffer)
        buffer.removeAll(keepingCapacity: true)
    }

    static func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Platform.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EPIPE {
                throw BrokenPipe()
            } else if errno == EAGAIN {
                waitUntilWritable(STDOUT_FILENO)
            } else if errno != EINTR {
                throw OutputFailed(
                    description: "standard output cannot be written: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Whoever started this process may have made its standard output non-blocking, as ssh and Node.js do: a full pipe is
    /// waited for without using the processor. An error is met by the next write.
    private static func waitUntilWritable(_ descriptor: Int32) {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, -1)
    }

    static func print(_ text: String) throws {
        try write(Array((text + "\n").utf8))
    }

    /// One sentence on standard error, safe for a terminal, whatever it quotes. That it cannot be written is nothing to be
    /// done about, and nobody waits for long until somebody reads it.
    static func printError(_ text: String) {
        tell(text)
        OutputDestination.standardError.flush(within: .seconds(1))
    }

    /// The same without any wait.
    static func tell(_ text: String) {
        ProgressBar.clear()
        OutputDestination.standardError.log(Array("stint: \(oneLine(text, limit: 2_000))\n".utf8))
    }
}

/// Functions of the C library by names that no method hides.
enum Platform {
    static func exit(_ code: Int32) -> Never {
        #if canImport(Darwin)
            Darwin.exit(code)
        #else
            Glibc.exit(code)
        #endif
    }

    /// Where standard input, output or error is closed, the next file that is opened would take its place, and what is
    /// written to standard error would be written into that file.
    static func openStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Whether this process belongs to a terminal. Known only until that is hung up.
    static var hasControllingTerminal: Bool {
        let terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)
        guard terminal >= 0 else { return false }
        close(terminal)
        return true
    }

    /// Whether whoever started this process wants it to ignore a signal, as nohup does with SIGHUP.
    static func ignores(_ number: Int32) -> Bool {
        var action = sigaction()
        sigaction(number, nil, &action)
        #if canImport(Darwin)
            let handler = action.__sigaction_u.__sa_handler
        #else
            let handler = action.__sigaction_handler.sa_handler
        #endif
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// Stops this process until somebody continues it, as Ctrl-Z does.
    static func suspend() {
        // To this very thread: with kill(2) it might go on for a moment, since any thread may take the signal.
        raise(SIGSTOP)
    }

    static func write(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, bytes, count)
        #else
            Glibc.write(descriptor, bytes, count)
        #endif
    }

    static func read(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, bytes, count)
        #else
            Glibc.read(descriptor, bytes, count)
        #endif
    }
}
