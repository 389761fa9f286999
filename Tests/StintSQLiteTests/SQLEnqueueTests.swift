import Foundation
import GRDB
import StintCore
import Testing

@testable import StintSQLite

@Suite("The view stint_enqueue, for programs without Stint")
struct SQLEnqueueTests {
    private func insert(_ path: String, _ columns: String, _ values: String) throws {
        let database = try DatabaseQueue(path: path)
        try database.writeWithoutTransaction { database in
            try SQLiteStore.prepareConnection(database)
            try database.execute(sql: "INSERT INTO stint_enqueue (\(columns)) VALUES \(values)")
        }
    }

    @Test("an insert is an enqueue with Stint's defaults")
    func defaults() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let twin = try await queue.enqueue(payload: Array("Grüße".utf8), in: "q").id
        try insert(folder.database, "queue, payload", "('q', 'Grüße')")
        let (mine, its) = (
            try #require(try await queue.store.job(twin)), try #require(try await queue.store.job(JobID(rawValue: 2)))
        )
        #expect(its.payload == mine.payload)
        var record = its.record
        #expect(abs(record.enqueuedAt - mine.record.enqueuedAt) < 60_000)
        (record.id, record.enqueuedAt) = (mine.record.id, mine.record.enqueuedAt)
        #expect(record == mine.record)
        #expect(try await queue.claim(9).map(\.payload) == [mine.payload, mine.payload])
        try await expectSound(queue.store)
    }

    @Test("everything that an enqueue can say, it can say")
    func all() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try insert(
            folder.database,
            "queue, payload, content_type, headers, priority, delay_ms, max_attempts, max_crashes, time_to_run_ms, unique_key",
            "('neu', x'00FF', 'application/x', 'job-name: send' || char(10) || 'lang: de', 7, 60000, 2, 1, 5000, 'k')")
        let job = try #require(try await queue.store.job(JobID(rawValue: 1)))
        #expect(job.payload == [0, 255])
        let record = job.record
        #expect(record.queue.description == "neu" && record.state == .delayed && record.priority == 7)
        #expect(record.contentType == "application/x" && record.uniqueKey == "k" && record.maxAttempts == 2)
        #expect(record.maxCrashes == 1 && record.timeToRunMilliseconds == 5_000)
        let headers = try Headers(["job-name": "send", "lang": "de"])
        #expect(record.headers == headers)
        #expect(record.runAt == record.enqueuedAt + 60_000)
        try await expectSound(queue.store)
    }

    @Test("a unique key that is taken adds nothing, and is free again when its job is done")
    func uniqueKey() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        // The second is refused although its statement has inserted a job just before.
        try insert(folder.database, "queue, payload, unique_key", "('q', '1', 'k'), ('q', '2', 'k'), ('p', '3', 'k')")
        #expect(try await queue.store.stats().map(\.ready) == [1, 1])
        let again = try await queue.enqueue(payload: [4], in: "q", options: JobOptions(uniqueKey: "k"))
        #expect(again.isDuplicate && again.id.rawValue == 1)
        try await queue.ack(try await queue.claim(1))
        try insert(folder.database, "queue, payload, unique_key", "('q', '5', 'k')")
        #expect(try await queue.claim(9).map(\.payload) == [Array("5".utf8)])
        try await expectSound(queue.store)
    }

    @Test(
        "what Stint would refuse is refused, with the reason, and nothing is changed",
        arguments: [
            ("queue", "('')"), ("queue", "('-q')"), ("queue", "('a b')"), ("queue", "('a' || char(10))"),
            ("queue", "(1)"),
            ("queue", "(printf('%0201d', 0))"), ("payload", "(1.5)"), ("payload", "(zeroblob(16777217))"),
            ("priority", "(-1)"), ("priority", "(4294967296)"), ("priority", "('high')"), ("delay_ms", "(-1)"),
            ("delay_ms", "(9223372036854775807)"), ("max_attempts", "(0)"), ("max_crashes", "(1.5)"),
            ("time_to_run_ms", "(0)"), ("unique_key", "('')"), ("unique_key", "(x'00')"), ("content_type", "('')"),
            ("headers", "(1)"),
        ])
    func refusals(_ column: String, _ value: String) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let error = #expect(throws: DatabaseError.self) { try insert(folder.database, column, value) }
        #expect(error?.message?.hasPrefix("stint_enqueue: ") == true, "\(error?.message ?? "")")
        #expect(try await queue.store.stats().isEmpty)
    }
}
