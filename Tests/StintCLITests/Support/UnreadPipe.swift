import Foundation
import StintPlatform
import Subprocess

/// A pipe that is not read until the test does so, like that of a pager that was stopped.
final class UnreadPipe {
    private let readEnd: FileDescriptor
    let writeEnd: FileDescriptor

    init() throws {
        (readEnd, writeEnd) = try FileDescriptor.pipe()
        for end in [readEnd, writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(readEnd.rawValue, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(readEnd.rawValue)
        close(writeEnd.rawValue)
    }

    /// Whether it holds as much as it can.
    var isFull: Bool {
        var event = pollfd(fd: writeEnd.rawValue, events: Int16(POLLOUT), revents: 0)
        return poll(&event, 1, 0) == 0
    }

    /// Takes what is in it now; afterwards there is space for as much.
    func take() -> String {
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
        while true {
            let count = read(readEnd.rawValue, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer.prefix(count)
        }
    }
}

extension Workplace {
    /// Runs a `stint` whose standard output and error go into a pipe that is not read, and does `body` meanwhile.
    func stint(
        _ arguments: [String], into pipe: UnreadPipe, _ body: (RunningProcess) async throws -> Void
    ) async throws -> TerminationStatus {
        let longestRun = LongestRun()
        defer { longestRun.end() }
        return try await Subprocess.run(
            configuration(Self.stint, Arguments(arguments), [:], PlatformOptions()), input: .none,
            output: .fileDescriptor(pipe.writeEnd, closeAfterSpawningProcess: false),
            error: .fileDescriptor(pipe.writeEnd, closeAfterSpawningProcess: false)
        ) { execution in
            let process = RunningProcess(id: execution.processIdentifier.value)
            longestRun.begin(process)
            try await body(process)
        }.terminationStatus
    }
}
