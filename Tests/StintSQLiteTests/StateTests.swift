import StintCore
import Testing

@testable import StintSQLite

/// The compiler finds most places that a new state concerns. SQL it does not read: these tests do.
@Suite("Every state")
struct StateTests {
    @Test(
        "is known to the view of a job, to lists, counts, selections, delete and doctor", arguments: JobState.allCases)
    func everywhere(state: JobState) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.retain(.seconds(60), in: "q")
        let id = try await queue.enqueue(
            payload: [1], in: "q", delay: state == .delayed ? .seconds(60) : nil,
            options: JobOptions(expires: state == .expired ? .milliseconds(1) : nil)
        ).id
        switch state {
        case .ready, .delayed: break
        case .leased: _ = try await queue.claim()
        case .buried: try await queue.bury([id], reason: "r")
        case .done: try await queue.ack(try await queue.claim())
        case .cancelled: try await queue.store.cancel([id], reason: "r")
        case .expired:
            try await Task.sleep(for: .milliseconds(2))
            #expect(try await queue.claim().isEmpty)
        }
        let record = try await queue.job(id)?.record
        #expect(record?.state == state)
        #expect(try await queue.list(JobFilter(state: state)).jobs == [record].compactMap(\.self))
        #expect(try await queue.list().jobs.map(\.state) == [state])
        #expect(try await queue.stats().map { $0.count(of: state) } == [1])
        #expect(try await queue.count(JobSelection("q", states: [state])) == 1)
        try await expectSound(queue.store)
        try await queue.delete([id])
        #expect(try await queue.job(id) == nil)
        #expect(try await queue.stats().map { $0.count(of: state) } == [state.isOver ? 1 : 0])
        try await expectSound(queue.store)
    }
}
