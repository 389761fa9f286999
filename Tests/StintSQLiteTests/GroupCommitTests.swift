import Foundation
import GRDBSQLite
import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite

@Suite("Callers that come together share a transaction", .timeLimit(.minutes(5)))
struct GroupCommitTests {
    /// Makes all callers wait, as another process's transaction would, until `count` are there.
    private func together<Value: Sendable>(
        _ queue: JobQueue<SQLiteStore>, _ callers: [@Sendable () async throws -> Value]
    ) async throws -> [Result<Value, any Error>] {
        let gate = WriteGate(try DatabaseLocks(beside: queue.store.path))
        gate.enter()
        let tasks = callers.map { caller in Task { try await caller() } }
        try await eventually("all of them wait") { try queue.store.transactions.waitingCount == callers.count }
        gate.leave()
        var results: [Result<Value, any Error>] = []
        for task in tasks { results.append(await task.result) }
        return results
    }

    /// Counts the commits of the writer; `refuse` is the number of commits to fail.
    private final class CommitHook: Sendable {
        let counts = Mutex((commits: 0, refuse: 0))

        func install(on store: SQLiteStore) async throws {
            try await store.writer.run { database in
                _ = sqlite3_commit_hook(
                    database.sqliteConnection,
                    { context in
                        Unmanaged<CommitHook>.fromOpaque(context!).takeUnretainedValue().counts.withLock { counts in
                            counts.commits += 1
                            defer { counts.refuse = max(0, counts.refuse - 1) }
                            return counts.refuse > 0 ? 1 : 0
                        }
                    }, Unmanaged.passUnretained(self).toOpaque())
            }
        }

        func remove(from store: SQLiteStore) async throws {
            try await store.writer.run { _ = sqlite3_commit_hook($0.sqliteConnection, nil, nil) }
        }
    }

    /// A queue with one job.
    private func queueWithHook(in folder: borrowing TemporaryFolder) async throws -> (JobQueue<SQLiteStore>, CommitHook)
    {
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(payload: [0], in: "q")
        let hook = CommitHook()
        try await hook.install(on: queue.store)
        return (queue, hook)
    }

    @Test("64 enqueues at once are one transaction, and every answer is true")
    func oneTransaction() async throws {
        let folder = try TemporaryFolder()
        let (queue, hook) = try await queueWithHook(in: folder)
        let results = try await together(
            queue, (1...64).map { number in { try await queue.enqueue(payload: [UInt8(number)], in: "q").id } })
        #expect(hook.counts.withLock { $0.commits } == 1)
        for (number, result) in zip(1...64, results) {
            #expect(try await queue.store.job(try result.get())?.payload == [UInt8(number)])
        }
        let jobs = try await queue.claim(65)
        let before = hook.counts.withLock { $0.commits }
        let acks = try await together(
            queue,
            jobs.map { job in { try await queue.store.settle(Settlement(job.lease, .ack)) } })
        #expect(acks.allSatisfy { (try? $0.get()) == .done })
        #expect(hook.counts.withLock { $0.commits } == before + 1)
        try await hook.remove(from: queue.store)
        try await expectSound(queue.store)
    }

    @Test("large callers do not make one transaction long")
    func bounded() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let hook = CommitHook()
        try await hook.install(on: queue.store)
        let jobs = try (0..<600).map { _ in try NewJob([1], in: "q") }
        let results = try await together(queue, (1...4).map { _ in { try await queue.enqueue(jobs: jobs).count } })
        #expect(results.allSatisfy { (try? $0.get()) == 600 })
        #expect(hook.counts.withLock { $0.commits } == 4)
        try await hook.remove(from: queue.store)
    }

    @Test("one caller's error is its own: nothing of it stays, and its neighbours succeed")
    func badNeighbour() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let buried = try await queue.enqueue(payload: [1], in: "q").id
        let ready = try await queue.enqueue(payload: [2], in: "q").id
        try await queue.store.bury([buried], reason: "test")
        let hook = CommitHook()
        try await hook.install(on: queue.store)
        let results = try await together(
            queue,
            [
                { @Sendable in try await queue.enqueue(payload: [3], in: "q").id },
                // Fails after it has kicked the first.
                { @Sendable in
                    try await queue.store.kick([buried, ready])
                    return buried
                },
                { @Sendable in
                    try await queue.store.delete([JobID(rawValue: 999)])
                    return buried
                },
                { @Sendable in try await queue.enqueue(payload: [4], in: "q").id },
            ])
        #expect(hook.counts.withLock { $0.commits } == 1)
        try await hook.remove(from: queue.store)
        #expect(throws: Never.self) { try results[0].get() }
        #expect(throws: Never.self) { try results[3].get() }
        #expect((throwing(results[1]) as? StintError)?.code == .invalidInput)
        #expect((throwing(results[2]) as? StintError)?.code == .notFound)
        let stats = try #require(try await queue.store.stats().first)
        #expect(stats.ready == 3 && stats.buried == 1)
        // Who began together may be written in any order.
        #expect(try await Set(queue.claim(9).map(\.payload)) == [[2], [3], [4]])
        try await expectSound(queue.store)
    }

    @Test("a commit that fails fails all callers that were in it, and none besides")
    func failedCommit() async throws {
        let folder = try TemporaryFolder()
        let (queue, hook) = try await queueWithHook(in: folder)
        hook.counts.withLock { $0.refuse = 1 }
        let callers = (1...3).map { number in
            { @Sendable in try await queue.enqueue(payload: [UInt8(number)], in: "q").id }
        }
        let failed = try await together(queue, callers)
        for result in failed { #expect((throwing(result) as? StintError)?.code == .storageFailed) }
        #expect(try await queue.store.stats().first?.ready == 1)
        let again = try await together(queue, callers)
        #expect(again.allSatisfy { (try? $0.get()) != nil })
        #expect(try await Set(queue.claim(9).map(\.payload)) == [[0], [1], [2], [3]])
        try await hook.remove(from: queue.store)
        try await expectSound(queue.store)
    }

    @Test("a caller with one job is in the next transaction, however many long batches wait before it")
    func longBatches() async throws {
        let folder = try TemporaryFolder()
        let (queue, hook) = try await queueWithHook(in: folder)
        hook.counts.withLock { $0.refuse = 1 }
        let gate = WriteGate(try DatabaseLocks(beside: queue.store.path))
        gate.enter()
        let store = queue.store
        func inLine(_ number: Int, _ count: Int) async throws -> Task<[JobID], any Error> {
            let jobs = try (0..<count).map { _ in try NewJob([UInt8(number)], in: "q") }
            let task = Task { try await store.enqueue(jobs).map(\.id) }
            try await eventually("it waits") { try store.transactions.waitingCount == number }
            return task
        }
        var tasks: [Task<[JobID], any Error>] = []
        for (number, count) in zip(1..., [1_000, 800, 1_000, 1, 499, 500, 1, 1_000]) {
            tasks.append(try await inLine(number, count))
        }
        gate.leave()
        var refused: [Int] = []
        for (number, task) in zip(1..., tasks) { if case .failure = await task.result { refused.append(number) } }
        // The first transaction, whose commit fails, has the first long batch and a thousand jobs of short ones.
        #expect(refused == [1, 4, 5, 6])
        #expect(hook.counts.withLock { $0.commits } == 4)
        try await hook.remove(from: queue.store)
        try await expectSound(queue.store)
    }

    @Test("a caller that is cancelled while it waits fails nobody")
    func cancelled() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let gate = WriteGate(try DatabaseLocks(beside: queue.store.path))
        gate.enter()
        let tasks = (1...5).map { number in Task { try await queue.enqueue(payload: [UInt8(number)], in: "q") } }
        try await eventually("all of them wait") { try queue.store.transactions.waitingCount == 5 }
        tasks[2].cancel()
        gate.leave()
        for task in tasks { _ = try await task.value }
        #expect(try await queue.store.stats().first?.ready == 5)
    }

    @Test("the last reference to a store may go while its last callers are answered")
    func endOfStore() async throws {
        let folder = try TemporaryFolder()
        for _ in 0..<50 {
            try await Self.use(folder.database)
        }
        try await expectSound(try SQLiteStore(path: folder.database))
    }

    /// When the callers are answered, they alone hold the store.
    private static func use(_ path: String) async throws {
        let store = try SQLiteStore(path: path, options: .init(durability: .normal))
        let queue = JobQueue(store: store)
        try await queue.enqueue(jobs: try (0..<8).map { try NewJob([$0], in: "q") })
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { [store] in
                    let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(60), worker: "test:1")
                    await #expect(throws: Never.self) {
                        _ = try await store.exchange([], for: request)
                    }
                }
            }
        }
    }

    private func throwing<Value>(_ result: Result<Value, any Error>) -> (any Error)? {
        if case .failure(let error) = result { error } else { nil }
    }
}
