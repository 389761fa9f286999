import StintCore
import StintPlatform
import Synchronization

/// Passes on what a handler's process writes, line by line, each with a prefix that names its origin.
///
/// A line longer than `longestLine` is passed on in pieces of that size, each as a line of its own. A last line without
/// line break gets one. While the destination is full this waits, so that the handler waits too. It does not wait for a
/// reader that does not read, nor after ``hurry()``: then lines are dropped and counted.
///
/// `@unchecked Sendable`: a ``PipeReader`` calls ``append(_:)`` and ``finish()`` on its queue, one after the other.
final class OutputLines: @unchecked Sendable {
    /// In bytes, without prefix and line break.
    static let longestLine = 8_192

    private var splitter: LineSplitter
    private let destination: OutputDestination
    private let prefix: @Sendable () -> String
    /// How many callers are in a hurry.
    private let hurries = Atomic(0)

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
        let line = Array(prefix().utf8) + line + [0x0A]
        while !destination.offer(line) {
            if hurries.load(ordering: .relaxed) > 0 || destination.isStalled { return destination.drop() }
            usleep(2_000)
        }
    }

    /// From now until ``calmDown()`` it drops lines instead of waiting. Both can be called from any thread.
    func hurry() { hurries.add(1, ordering: .relaxed) }

    func calmDown() { hurries.subtract(1, ordering: .relaxed) }

    /// Runs `body`, which waits until these lines are passed on, and hurries after a while.
    func hurrying<Value>(_ body: () async -> Value) async -> Value {
        let timer = Task {
            try await Task.sleep(for: destination.limits.patience)
            hurry()
        }
        let value = await body()
        timer.cancel()
        if case .success = await timer.result { calmDown() }
        return value
    }
}
