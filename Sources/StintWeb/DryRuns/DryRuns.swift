import HTTPTypes
import StintCore
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The dry runs that this server has begun, and the reports of the last ones. They are forgotten when it ends.
final class DryRuns: Sendable {
    /// The most that run at a time.
    static let atOnce = 2
    /// The most that are remembered.
    private static let kept = 20

    struct Run: Sendable {
        let id: Int
        let job: JobID
        let queue: QueueName
        let user: String
        let begunAt: Date
        fileprivate(set) var result: Result<DryRunReport, any Error>?
        fileprivate var task: Task<Void, Never>?
        /// Ended with the run.
        fileprivate var waiters: [AsyncStream<Never>.Continuation] = []
    }

    private struct State {
        var runs: [Run] = []
        var last = 0
        var isOver = false
    }

    private let state = Mutex(State())

    /// - Throws: ``WebError`` with the status 429 if two run already.
    func begin(
        _ job: JobID, in queue: QueueName, by user: String,
        _ perform: @escaping @Sendable (JobID) async throws -> DryRunReport
    ) throws -> Int {
        try state.withLock { state in
            guard !state.isOver else { throw WebError(.serviceUnavailable, "the server ends") }
            guard state.runs.count(where: { $0.result == nil }) < Self.atOnce else {
                var error = WebError(
                    .tooManyRequests, "\(Self.atOnce) dry runs are under way already: begin this one when one has ended"
                )
                error.headers[.retryAfter] = "5"
                throw error
            }
            state.last += 1
            let id = state.last
            if state.runs.count >= Self.kept, let oldest = state.runs.firstIndex(where: { $0.result != nil }) {
                state.runs.remove(at: oldest)
            }
            var run = Run(id: id, job: job, queue: queue, user: user, begunAt: Date())
            run.task = Task {
                let result: Result<DryRunReport, any Error>
                do { result = .success(try await perform(job)) } catch { result = .failure(error) }
                self.end(id, result)
            }
            state.runs.append(run)
            return id
        }
    }

    private func end(_ id: Int, _ result: Result<DryRunReport, any Error>) {
        let waiters = state.withLock { state -> [AsyncStream<Never>.Continuation] in
            guard let index = state.runs.firstIndex(where: { $0.id == id }) else { return [] }
            defer { state.runs[index].waiters = [] }
            state.runs[index].result = result
            return state.runs[index].waiters
        }
        for waiter in waiters { waiter.finish() }
    }

    /// Waits for the end of a run.
    ///
    /// - Returns: The run as it is then; `nil` if it is not known.
    func run(_ id: Int, of job: JobID, waiting patience: Duration) async -> Run? {
        let (end, waiter) = AsyncStream.makeStream(of: Never.self)
        state.withLock { state in
            guard let index = state.runs.firstIndex(where: { $0.id == id }), state.runs[index].result == nil else {
                return waiter.finish()
            }
            state.runs[index].waiters.append(waiter)
        }
        let timer = Task {
            do { try await Task.sleep(for: patience) } catch { return }
            waiter.finish()
        }
        for await _ in end {}
        timer.cancel()
        return state.withLock { state in state.runs.first { $0.id == id && $0.job == job } }
    }

    /// Ends all of them and begins no other.
    func endAll() async {
        let tasks = state.withLock { state in
            state.isOver = true
            return state.runs.filter { $0.result == nil }.compactMap(\.task)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
