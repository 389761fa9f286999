import GRDB
import StintCore
import Testing

@testable import StintSQLite

@Suite("Many jobs of a queue are changed in short transactions")
struct SelectionTests {
    @Test("all of a queue's jobs are counted and deleted, and those of others are not")
    func deleteAll() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let jobs = try (0..<2_500).map { number in
            try NewJob(
                [1], in: "q",
                options: JobOptions(priority: UInt32(number % 7), delay: number % 3 == 0 ? .seconds(60) : .zero))
        }
        try await queue.enqueue(jobs: jobs)
        try await queue.enqueue(payload: [2], in: "other")
        _ = try await queue.claim(100)
        #expect(try await queue.count(JobSelection("q")) == 2_500)
        #expect(try await queue.delete(JobSelection("q")) == 2_500)
        #expect(try await queue.store.stats().map { $0.unfinished } == [1, 0])
        try await expectSound(queue.store)
    }

    @Test("a job that goes back to a state that was looked at already is deleted all the same, and a new one is not")
    func movingJobs() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let waiting = try (0..<1_000).map { _ in try NewJob([1], in: "q") }
        try await queue.enqueue(jobs: waiting)
        try await queue.enqueue(payload: [1], in: "q", options: JobOptions(priority: 0, delay: .seconds(60)))
        let database = try DatabaseQueue(path: folder.database)
        var steps = 0
        let deleted = try await queue.change(JobSelection("q"), .delete) { _ in
            steps += 1
            guard steps == 1 else { return }
            do {
                try database.write {
                    // The delayed job's time comes when the ready ones were looked at.
                    try $0.execute(
                        sql: """
                            INSERT INTO stint_ready SELECT queue_id, 0, job_id, 0, 0, 0, NULL, NULL, NULL FROM stint_delayed;
                            DELETE FROM stint_delayed;
                            UPDATE stint_queues SET ready = ready + 1, delayed = delayed - 1;
                            INSERT INTO stint_enqueue (queue, payload) VALUES ('q', 'new');
                            """)
                }
            } catch {
                Issue.record(error)
            }
        }
        #expect(deleted == 1_001)
        #expect(try await queue.claim(9).map(\.payload) == [Array("new".utf8)])
        try await expectSound(queue.store)
    }

    @Test("a job that is buried again while its queue is kicked is not kicked a second time")
    func kickedOnce() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try await queue.enqueue(jobs: (0..<1_500).map { _ in try NewJob([1], in: "q") })
        #expect(try await queue.bury(JobSelection("q"), reason: "no") == 1_500)
        let database = try DatabaseQueue(path: folder.database)
        var steps = 0
        let kicked = try await queue.change(JobSelection("q"), .kick) { _ in
            steps += 1
            // As workers that bury at once whatever they get; not for ever, so that this ends in any case.
            guard steps <= 6 else { return }
            do {
                try database.write {
                    try $0.execute(
                        sql: """
                            INSERT INTO stint_buried (job_id, queue_id, buried_at, attempts, crashes, reason)
                            SELECT job_id, queue_id, 1900000000000, 1, 0, 'again' FROM stint_ready;
                            DELETE FROM stint_ready;
                            UPDATE stint_queues SET buried = buried + ready, ready = 0;
                            """)
                }
            } catch {
                Issue.record(error)
            }
        }
        #expect(kicked == 1_500)
        try await expectSound(queue.store)
    }

    @Test("payloads bound a step too")
    func largePayloads() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database, durability: .normal))
        let payload = [UInt8](repeating: 1, count: 12 << 20)
        for _ in 1...4 { try await queue.enqueue(payload: payload, in: "q") }
        let step = try await queue.store.change(
            JobSelection("q"), .delete, from: nil, limit: .max)
        #expect(step.jobs.count == 3 && step.next != nil)
        #expect(try await queue.delete(JobSelection("q")) == 1)
    }
}
