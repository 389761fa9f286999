import Synchronization
import TestSupport

/// Counts events of other processes, and waits for them.
final class Tally: Sendable {
    private let count = Mutex(0)

    func add() { count.withLock { $0 += 1 } }

    /// - Throws: After a minute, which is generous, for a busy machine.
    func reach(_ goal: Int) async throws {
        try await eventually("\(goal) events") { count.withLock { $0 } >= goal }
    }
}

/// Lines `verb id` of another process.
final class Answers: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    func ids(_ verb: String) -> Set<Int64> {
        Set(
            lines.withLock { $0 }.filter { $0.hasPrefix("\(verb) ") }.compactMap { Int64($0.dropFirst(verb.count + 1)) }
        )
    }
}
