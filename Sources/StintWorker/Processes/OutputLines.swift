import StintCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Passes on what a handler's process writes, line by line, each with a prefix that says whose it is.
///
/// One that is longer than `longestLine` goes out in pieces of that size, each as a line of its own, and a last line
/// without line break gets one. While the destination is full, it waits, so that the handler has to wait too; but not
/// for a reader that does not read at all, and not after ``hurry()``: then lines are dropped and counted.
///
/// `@unchecked Sendable`: a ``PipeReader`` calls ``append(_:)`` and ``finish()`` on its queue, one after the other.
final class OutputLines: @unchecked Sendable {
    /// In bytes, without prefix and line break.
    static let longestLine = 8_192

    private var splitter: LineSplitter
    private let destination: OutputDestination
    private let prefix: @Sendable () -> String
    /// How many are in a hurry.
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

    /// From now on it waits for nobody, until ``calmDown()``: somebody waits for it. Both from any thread.
    func hurry() { hurries.add(1, ordering: .relaxed) }

    func calmDown() { hurries.subtract(1, ordering: .relaxed) }

    /// Does `body`, which waits until these lines are passed on, and hurries after a while.
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
