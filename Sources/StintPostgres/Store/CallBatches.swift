import StintCore
import Synchronization

/// Writes what callers bring at the same time together, so that many tasks with one job each do not wait for a commit
/// each.
final class CallBatches<Item: Sendable, Answer: Sendable>: Sendable {
    /// What one transaction takes at most, unless one caller has more.
    private let maximumItems = 1_000
    private let maximumBytes = 4 * 1_024 * 1_024
    /// How many transactions are under way at once: while one waits for the disk, the next is sent.
    private let maximumInFlight = 2

    /// - Returns: An answer for each, in order.
    typealias Write = @Sendable ([Item]) async throws -> [Answer]

    private struct Call: Sendable {
        let items: [Item]
        let bytes: Int
        let write: Write
        let continuation: CheckedContinuation<[Answer], any Error>
    }

    private struct State {
        var waiting: [Call] = []
        var inFlight = 0
    }

    private let state = Mutex(State())
    private let bytes: @Sendable (Item) -> Int

    init(bytes: @escaping @Sendable (Item) -> Int = { _ in 0 }) {
        self.bytes = bytes
    }

    /// How many callers wait for the next transaction.
    var waitingCalls: Int { state.withLock { $0.waiting.count } }

    /// - Parameter write: Writes in one transaction. It must be the same for all callers.
    func run(_ items: [Item], _ write: @escaping Write) async throws -> [Answer] {
        try await withCheckedThrowingContinuation { continuation in
            let size = items.reduce(0) { $0 + bytes($1) }
            let call = Call(items: items, bytes: size, write: write, continuation: continuation)
            let starts = state.withLock { state in
                state.waiting.append(call)
                guard state.inFlight < maximumInFlight else { return false }
                state.inFlight += 1
                return true
            }
            if starts { Task { await self.writeAll() } }
        }
    }

    private func writeAll() async {
        while let calls = next() { await write(calls) }
    }

    /// - Returns: `nil` if none wait any more.
    private func next() -> [Call]? {
        state.withLock { state in
            var (items, bytes, count) = (0, 0, 0)
            for call in state.waiting {
                (items, bytes) = (items + call.items.count, bytes + call.bytes)
                guard count == 0 || items <= maximumItems && bytes <= maximumBytes else { break }
                count += 1
            }
            guard count > 0 else {
                state.inFlight -= 1
                return nil
            }
            defer { state.waiting.removeFirst(count) }
            return Array(state.waiting.prefix(count))
        }
    }

    /// Whether others may succeed without the one that cannot be written. If the server cannot be reached, each would wait
    /// for it once more, one after the other.
    private static func mayBeOfOne(_ error: any Error) -> Bool {
        guard let error = error as? StintError else { return true }
        return ![.outcomeUnknown, .databaseBusy, .databaseUnusable, .closed].contains(error.code)
    }

    private func write(_ calls: [Call]) async {
        do {
            var answers = try await calls[0].write(calls.flatMap(\.items))[...]
            for call in calls {
                call.continuation.resume(returning: Array(answers.prefix(call.items.count)))
                answers = answers.dropFirst(call.items.count)
            }
        } catch {
            // Nothing was changed, and perhaps only one of them cannot be written.
            if calls.count > 1, Self.mayBeOfOne(error) {
                for call in calls { await write([call]) }
            } else {
                for call in calls { call.continuation.resume(throwing: error) }
            }
        }
    }
}
