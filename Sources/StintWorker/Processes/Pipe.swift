import CStint
import StintPlatform

/// The two ends of a new pipe, which no other program inherits.
struct Pipe {
    let readEnd: Int32
    let writeEnd: Int32

    /// - Throws: ``StartFailure`` if this process has too many open files.
    init() throws {
        var ends: [Int32] = [-1, -1]
        guard stint_pipe(&ends) == 0 else { throw StartFailure(.pipe, "a pipe cannot be created", errno) }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    func close() { closeAll([readEnd, writeEnd]) }
}

func closeAll(_ descriptors: [Int32]) {
    for descriptor in descriptors { close(descriptor) }
}

/// Makes reads and writes return instead of blocking.
func makeNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
}
