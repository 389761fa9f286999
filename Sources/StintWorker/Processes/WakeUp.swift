import StintPlatform

/// A pipe that wakes a thread waiting in poll(2). It is never closed.
struct WakeUp: Sendable {
    private let pipe: Pipe

    /// - Throws: ``StartFailure`` if this process has too many open files.
    init() throws {
        pipe = try Pipe()
        makeNonBlocking(pipe.readEnd)
        makeNonBlocking(pipe.writeEnd)
    }

    func wake() {
        var byte: UInt8 = 1
        // A full pipe wakes the thread too.
        _ = write(pipe.writeEnd, &byte, 1)
    }

    /// The entry for poll(2).
    var event: pollfd { pollfd(fd: pipe.readEnd, events: Int16(POLLIN), revents: 0) }

    /// Empties the pipe after a wake-up.
    func clear() {
        var bytes = [UInt8](repeating: 0, count: 256)
        _ = read(pipe.readEnd, &bytes, bytes.count)
    }
}
