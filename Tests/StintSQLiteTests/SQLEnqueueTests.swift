import Foundation
import GRDB
import StintCore
import StintSQLiteMigrations
import Testing

@testable import StintSQLite

@Suite("The view stint_enqueue, for programs without Stint")
struct SQLEnqueueTests {
    private func insert(_ path: String, _ columns: String, _ values: String, _ conflict: String = "") throws {
        let database = try DatabaseQueue(path: path)
        try database.writeWithoutTransaction { database in
            try SQLiteStore.prepareConnection(database)
            try database.execute(sql: "INSERT \(conflict) INTO stint_enqueue (\(columns)) VALUES \(values)")
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
        #expect(abs(record.enqueuedAtMilliseconds - mine.record.enqueuedAtMilliseconds) < 60_000)
        (record.id, record.enqueuedAtMilliseconds) = (mine.record.id, mine.record.enqueuedAtMilliseconds)
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
            "queue, payload, content_type, headers, priority, delay_ms, max_attempts, max_crashes, time_to_run_ms, unique_key, expires_ms",
            "('neu', x'00FF', 'application/x', 'job-name: send' || char(10) || 'lang: de', 7, 60000, 2, 1, 5000, 'k', 90000)"
        )
        let job = try #require(try await queue.store.job(JobID(rawValue: 1)))
        #expect(job.payload == [0, 255])
        let record = job.record
        #expect(record.queue.description == "neu" && record.state == .delayed && record.priority == 7)
        #expect(record.contentType == "application/x" && record.uniqueKey == "k" && record.maxAttempts == 2)
        #expect(record.maxCrashes == 1 && record.timeToRunMilliseconds == 5_000)
        let headers = try Headers(["job-name": "send", "lang": "de"])
        #expect(record.headers == headers)
        #expect(record.runAtMilliseconds == record.enqueuedAtMilliseconds + 60_000)
        #expect(record.expiresAtMilliseconds == record.enqueuedAtMilliseconds + 90_000)
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
            ("headers", "(1)"), ("content_type", "('text/plain' || char(10))"), ("content_type", "('é')"),
            ("queue", "('a' || char(0xA0))"), ("queue", "(char(0x85) || 'a')"),
            ("queue", "('a' || char(0x2028) || 'b')"),
            ("queue", "('a' || char(0x3000))"), ("queue", "('a' || char(0x200A))"), ("queue", "('a' || char(0x1680))"),
            ("queue", "('a' || char(0x202F))"), ("queue", "('a' || char(0x205F))"), ("queue", "('a' || char(0x9F))"),
            ("queue", "(CAST(x'61FF' AS TEXT))"), ("queue", "(CAST(x'C3' AS TEXT))"),
            ("queue", "(CAST(x'C1A1' AS TEXT))"),
            ("queue", "(CAST(x'EDA080' AS TEXT))"), ("queue", "(CAST(x'F4908080' AS TEXT))"),
            ("queue", "(CAST(x'E09FBF' AS TEXT))"), ("queue", "(CAST(x'C3A9A9' AS TEXT))"),
            ("unique_key", "(CAST(x'61FF' AS TEXT))"), ("headers", "('a: ' || CAST(x'FF' AS TEXT))"),
            ("headers", "('no colon')"), ("headers", "(': x')"), ("headers", "('1a: x')"), ("headers", "('a_b: x')"),
            ("headers", "('é: x')"), ("headers", "('a: x' || char(13) || char(10) || 'b: y')"),
            ("headers", "('a: x' || char(10) || 'b: ' || char(7))"), ("headers", "('a: ' || char(0x2028))"),
            ("headers", "('a: ' || char(0) || 'x')"), ("on_conflict, unique_key", "('add', 'k')"),
            ("on_conflict, unique_key", "(x'00', 'k')"), ("on_conflict", "('collect')"), ("on_conflict", "('replace')"),
            ("debounce_ms, unique_key", "(1, 'k')"), ("debounce_ms, unique_key, on_conflict", "(1, 'k', 'replace')"),
            ("debounce_ms, unique_key, on_conflict", "(0, 'k', 'collect')"),
            ("debounce_ms, unique_key, on_conflict", "('x', 'k', 'collect')"),
            ("delay_ms, debounce_ms, unique_key, on_conflict", "(1, 1, 'k', 'collect')"),
            ("at_most_ms, unique_key, on_conflict", "(1, 'k', 'collect')"),
            ("debounce_ms, at_most_ms, unique_key, on_conflict", "(2, 1, 'k', 'collect')"),
            ("debounce_ms, at_most_ms, unique_key, on_conflict", "(2, 3162240000001, 'k', 'collect')"),
        ])
    func refusals(_ column: String, _ value: String) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        for conflict in ["", "OR IGNORE", "OR REPLACE"] {
            let error = #expect(throws: DatabaseError.self) {
                try insert(folder.database, column, value, conflict)
            }
            #expect(error?.message?.hasPrefix("stint_enqueue: ") == true, "\(error?.message ?? "")")
        }
        #expect(try await queue.store.stats().isEmpty)
    }

    @Test(
        "what Stint takes is taken, whatever the script",
        arguments: [
            ("queue", "('почта')"), ("queue", "('邮件')"), ("queue", "('🐝')"), ("queue", "(char(0x200B))"),
            ("queue", "('e' || char(0x301))"), ("queue", "(printf('%0200d', 0))"), ("queue", "(char(0xFFFD))"),
            ("unique_key", "('a b' || char(10))"), ("headers", "('Reply-To:x' || char(10, 10) || 'b: é' || char(9))"),
            ("headers", "('a: ' || replace(printf('%30000d', 0), ' ', 'é'))"), ("headers", "('')"),
            ("content_type", "('text/x; a=b')"),
        ])
    func taken(_ column: String, _ value: String) async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        try insert(folder.database, column, value)
        let name = try #require(try await queue.store.stats().first).name
        #expect(try await queue.claim(from: [try QueueName(name.description)]).count == 1)
        try await expectSound(queue.store)
    }

    @Test("the result says the new job's id, or whose the unique key is, in the same transaction")
    func result() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let database = try DatabaseQueue(path: folder.database)
        func result(_ conflict: String, _ columns: String, _ values: String) throws -> [Int64] {
            try database.write { database in
                try database.execute(sql: "INSERT \(conflict) INTO stint_enqueue (\(columns)) VALUES \(values)")
                let rows = try Row.fetchAll(database, sql: "SELECT job_id, is_duplicate FROM stint_enqueue_result")
                try #require(rows.count == 1)
                return [rows[0]["job_id"], rows[0]["is_duplicate"]]
            }
        }
        for conflict in ["", "OR IGNORE"] {
            #expect(try result(conflict, "payload", "('x')").last == 0)
            try await queue.enqueue(payload: [1])
        }
        #expect(try result("", "unique_key", "('k')") == [5, 0])
        #expect(try result("", "queue, unique_key", "('other', 'k')") == [6, 0])
        #expect(try result("OR IGNORE", "unique_key", "('k')") == [5, 1])
        #expect(try result("", "payload, delay_ms", "('x', 5)") == [7, 0])
        #expect(try result("", "unique_key", "('a'), ('b')") == [9, 0])
        #expect(try result("OR REPLACE", "unique_key", "('c'), ('k')") == [5, 1])
        try await expectSound(queue.store)
    }

    @Test("a unique key whose job another program took away holds nothing back")
    func orphanedKey() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        for _ in 1...2 {
            for conflict in ["", "OR IGNORE"] {
                try insert(folder.database, "queue, unique_key", "('q', 'k')", conflict)
                #expect(try await queue.store.stats().map(\.ready) == [1])
                let again = try await queue.enqueue(payload: [], in: "q", options: JobOptions(uniqueKey: "k"))
                #expect(again.isDuplicate)
                try await DatabaseQueue(path: folder.database).write {
                    try $0.execute(
                        sql: "DELETE FROM stint_jobs; DELETE FROM stint_ready; UPDATE stint_queues SET ready = 0")
                }
            }
        }
    }

    @Test("a database in UTF-16 is refused, and so is an insert into one")
    func utf16() async throws {
        let folder = try TemporaryFolder()
        let text = SQLiteMigrations.all.map(\.sql).joined()
        let database = try DatabaseQueue(path: folder.database)
        try await database.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA encoding = 'UTF-16le'; CREATE TABLE theirs (x)")
        }
        let opened = await #expect(throws: StintError.self) { try await JobQueue(.sqlite(folder.database)) }
        #expect(opened?.code == .databaseUnusable)
        #expect(opened?.description.contains("keeps its text as UTF-16le, and Stint needs UTF-8") == true)
        try await database.write { try $0.execute(sql: text) }
        let error = #expect(throws: DatabaseError.self) { try insert(folder.database, "payload", "('x')") }
        #expect(error?.message?.contains("this database is in UTF-16") == true)
    }
}
