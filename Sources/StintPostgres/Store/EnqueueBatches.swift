import StintCore
import Synchronization

/// Writes the jobs of callers that enqueue at the same time together, so that many tasks with one job each do not wait
/// for a commit each.
final class EnqueueBatches: Sendable {
    /// What one transaction takes at most, unless one caller has more.
    private static let maximumJobs = 1_000
    private static let maximumBytes = 4 * 1_024 * 1_024
    /// How many transactions are under way at once: while one waits for the disk, the next is sent.
    private static let maximumInFlight = 2

    typealias Write = @Sendable (_ jobs: [NewJob], _ queues: [Int64]) async throws -> [Enqueued]

    private struct Call: Sendable {
        let jobs: [NewJob]
        let queues: [Int64]
        let write: Write
        let continuation: CheckedContinuation<[Enqueued], any Error>

        var bytes: Int { jobs.reduce(0) { $0 + $1.payload.count + $1.options.headers.byteCount } }
    }

    private struct State {
        var waiting: [Call] = []
        var inFlight = 0
    }

    private let state = Mutex(State())

    /// How many callers wait for the next transaction.
    var waitingCalls: Int { state.withLock { $0.waiting.count } }

    /// - Parameters:
    ///   - queues: Those of the jobs, in order.
    ///   - write: Enqueues jobs in one transaction. It must be the same for all callers.
    func enqueue(_ jobs: [NewJob], _ queues: [Int64], _ write: @escaping Write) async throws -> [Enqueued] {
        try await withCheckedThrowingContinuation { continuation in
            let call = Call(jobs: jobs, queues: queues, write: write, continuation: continuation)
            let starts = state.withLock { state in
                state.waiting.append(call)
                guard state.inFlight < Self.maximumInFlight else { return false }
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
            var (jobs, bytes, count) = (0, 0, 0)
            for call in state.waiting {
                (jobs, bytes) = (jobs + call.jobs.count, bytes + call.bytes)
                guard count == 0 || jobs <= Self.maximumJobs && bytes <= Self.maximumBytes else { break }
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
            var answers = try await calls[0].write(calls.flatMap(\.jobs), calls.flatMap(\.queues))[...]
            for call in calls {
                call.continuation.resume(returning: Array(answers.prefix(call.jobs.count)))
                answers = answers.dropFirst(call.jobs.count)
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
