import CStint
import StintCore
import StintPlatform

/// Ends the watching thread: the read end becomes readable when the write end is closed.
final class StopPipe: Sendable {
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard stint_pipe(&ends) == 0 else {
            throw StintError(.processFailed, "a pipe cannot be made: \(systemError())")
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    /// Must be called only once.
    func stop() { close(writeEnd) }

    deinit { close(readEnd) }
}
