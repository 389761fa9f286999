import Foundation
import GRDB
import StintCore
import Testing

@testable import StintSQLite

/// What Stint's enqueue and an insert into the view do is the same: each scenario mixes both.
@Suite("Digests and replaced jobs through the view stint_enqueue")
struct SQLDigestTests {
    struct Result: Equatable {
        let job: Int64
        let outcome: String
    }

    private func insert(_ path: String, _ columns: String, _ values: String, _ conflict: String = "") throws -> Result {
        let database = try DatabaseQueue(path: path)
        return try database.write { database in
            try database.execute(sql: "INSERT \(conflict) INTO stint_enqueue (\(columns)) VALUES \(values)")
            let row = try Row.fetchOne(database, sql: "SELECT job_id, is_duplicate, outcome FROM stint_enqueue_result")!
            #expect(row["is_duplicate"] == (row["outcome"] == "duplicate"))
            return Result(job: row["job_id"], outcome: row["outcome"])
        }
    }

    private let event = "queue, payload, unique_key, on_conflict"

    private func texts(_ job: LeasedJob?) -> [String]? { job?.events?.map { String(decoding: $0, as: UTF8.self) } }

    @Test("events of both kinds of producers are in one digest, in their order")
    func collect() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let options = JobOptions(uniqueKey: "k", onConflict: .collect)
        #expect(try insert(folder.database, event, "('q', 'a', 'k', 'collect')") == Result(job: 1, outcome: "added"))
        let second = try await queue.enqueue(payload: Array("b".utf8), in: "q", options: options)
        #expect(second == Enqueued(id: JobID(rawValue: 1), outcome: .collected))
        for conflict in ["", "OR IGNORE", "OR REPLACE"] {
            let result = try insert(folder.database, event, "('q', 'c', 'k', 'collect')", conflict)
            #expect(result == Result(job: 1, outcome: "collected"))
        }
        #expect(
            try insert(folder.database, event, "('q', 'x', 'k', 'keep')") == Result(job: 1, outcome: "duplicate"))
        #expect(try await queue.store.job(JobID(rawValue: 1))?.record.events == 5)
        let job = try await queue.claim().first
        #expect(texts(job) == ["a", "b", "c", "c", "c"])
        // It runs: the next one.
        #expect(try insert(folder.database, event, "('q', 'd', 'k', 'collect')") == Result(job: 2, outcome: "added"))
        _ = try await queue.store.settle([Settlement(job!.lease, .release(after: .zero))])
        #expect(
            try insert(folder.database, event, "('q', 'e', 'k', 'collect')") == Result(job: 2, outcome: "collected"))
        #expect(try await queue.claim(9).map(texts) == [["a", "b", "c", "c", "c"], ["d", "e"]])
        try await expectSound(queue.store)
    }

    @Test("an event that does not fit starts the next digest")
    func bounds() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let file = folder.database
        func job(_ columns: String, _ values: String) throws -> Int64 {
            try insert(file, "unique_key, on_conflict, \(columns)", values).job
        }
        let values = Array(repeating: "('k', 'collect', 'x')", count: 1_000).joined(separator: ", ")
        let full = try job("payload", values)
        #expect(try await queue.store.job(JobID(rawValue: full))?.record.events == 1_000)
        #expect(try job("payload", "('k', 'collect', 'x')") == full + 1)
        let large = try job("payload", "('l', 'collect', zeroblob(16777216))")
        #expect(try job("payload", "('l', 'collect', zeroblob(0))") == large)
        #expect(try job("payload", "('l', 'collect', zeroblob(1))") > large)
        let typed = try job("payload, content_type", "('t', 'collect', '{}', 'application/json')")
        #expect(try job("payload, content_type", "('t', 'collect', '{}', 'application/json')") == typed)
        #expect(try job("payload", "('t', 'collect', '{}')") > typed)
        let named = try job("headers", "('n', 'collect', 'a: 1' || char(10) || 'Job-Name: one')")
        #expect(try job("headers", "('n', 'collect', 'job-name:one' || char(10) || 'b: 2')") == named)
        #expect(try job("headers", "('n', 'collect', 'job-name: one more')") > named)
        try await expectSound(queue.store)
    }

    @Test("each event moves the start, and never past the limit")
    func debounce() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let columns = "queue, unique_key, on_conflict, debounce_ms, at_most_ms"
        func record() async throws -> JobRecord { try #require(try await queue.store.job(JobID(rawValue: 1))).record }
        _ = try insert(folder.database, columns, "('q', 'k', 'collect', 60000, 90000)")
        let opened = try await record()
        #expect(opened.state == .delayed && opened.runAtMilliseconds == opened.enqueuedAtMilliseconds + 60_000)
        func wallClock() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
        let earliest = wallClock()
        _ = try insert(folder.database, columns, "('q', 'k', 'collect', 70000, NULL)")
        let moved = try #require(try await record().runAtMilliseconds)
        let limit = opened.enqueuedAtMilliseconds + 90_000
        #expect(moved >= min(earliest + 70_000, limit) && moved <= min(wallClock() + 70_000, limit))
        _ = try insert(folder.database, columns, "('q', 'k', 'collect', 100000, 200000)")
        #expect(try await record().runAtMilliseconds == opened.enqueuedAtMilliseconds + 90_000)
        _ = try insert(folder.database, columns, "('q', 'k', 'collect', NULL, NULL)")
        #expect(try await record().runAtMilliseconds == opened.enqueuedAtMilliseconds + 90_000)
        #expect(try await record().events == 4)
        // Its time has come.
        try await queue.runNow([JobID(rawValue: 1)])
        _ = try insert(folder.database, columns, "('q', 'k', 'collect', 60000, NULL)")
        let last = try await record()
        #expect(last.state == .ready && last.events == 5)
        try await expectSound(queue.store)
    }

    @Test("replace puts a row in place of a job that has not started, whatever state the two wait in")
    func replace() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let columns = "queue, unique_key, on_conflict, payload, delay_ms, priority, \"group\""
        let replaced = Result(job: 1, outcome: "replaced")
        #expect(
            try insert(folder.database, columns, "('q', 'k', 'replace', 'a', 0, 5, NULL)")
                == Result(job: 1, outcome: "added"))
        #expect(try insert(folder.database, columns, "('q', 'k', 'replace', 'b', 60000, 7, NULL)") == replaced)
        #expect(
            try insert(folder.database, columns, "('q', 'k', 'replace', 'c', 50000, 7, 'g')", "OR IGNORE") == replaced)
        #expect(try await queue.store.stats().map { [$0.ready, $0.delayed] } == [[0, 1]])
        try await expectSound(queue.store)
        #expect(
            try insert(folder.database, columns, "('q', 'k', 'replace', 'd', NULL, 9, 'h')", "OR REPLACE") == replaced)
        #expect(try await queue.store.stats().map { [$0.ready, $0.delayed] } == [[1, 0]])
        let record = try #require(try await queue.store.job(JobID(rawValue: 1))).record
        #expect(record.priority == 9 && record.group == "h")
        try await expectSound(queue.store)
        let job = try #require(try await queue.claim().first)
        #expect(job.payload == Array("d".utf8))
        #expect(
            try insert(folder.database, columns, "('q', 'k', 'replace', 'e', NULL, 9, NULL)")
                == Result(job: 2, outcome: "added"))
        try await queue.ack([job])
        let again = try await queue.enqueue(payload: [1], in: "q", options: JobOptions(uniqueKey: "k"))
        #expect(again == Enqueued(id: JobID(rawValue: 2), outcome: .duplicate))
        try await expectSound(queue.store)
    }

    @Test("an ack, a deletion and a pruning leave no events behind")
    func nothingLeft() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        for key in ["a", "b"] {
            for _ in 1...3 { _ = try insert(folder.database, event, "('q', 'x', '\(key)', 'collect')") }
        }
        try await queue.enqueue(payload: [], in: "q")
        try await queue.ack(try await queue.claim(1))
        try await queue.delete([try #require(try await queue.store.list(JobFilter()).first?.id)])
        try await queue.ack(try await queue.claim(9))
        let database = try DatabaseQueue(path: folder.database)
        let left = try await database.read { database in
            try ["stint_events", "stint_digests", "stint_jobs", "stint_unique_keys"].map {
                try Int.fetchOne(database, sql: "SELECT count(*) FROM \($0)")
            }
        }
        #expect(left == [0, 0, 0, 0])
    }
}
