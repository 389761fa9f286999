import Foundation
import GRDB
import GRDBSQLite
import StintCore
import TestSupport
import Testing
import Torture

@testable import StintSQLite

@Suite("What happened, in the file")
final class ActivityTests {
    let folder: TemporaryFolder
    let clock = TestClock()
    let store: SQLiteStore

    init() throws {
        folder = try TemporaryFolder()
        var options = SQLiteStore.Options()
        options.clock = clock
        store = try SQLiteStore(path: folder.database, options: options)
    }

    private func activity(_ queue: QueueName = "q", last: Duration = .seconds(3_600)) async throws -> QueueActivity {
        try #require(try await store.activity(of: [queue], last: last).first)
    }

    private func rows(_ sql: String) async throws -> [[Int]] {
        try await store.reader.run { database in
            try Row.fetchAll(database, sql: sql).map { row in
                row.databaseValues.map { Int.fromDatabaseValue($0) ?? -1 }
            }
        }
    }

    private func execute(_ sql: String) async throws {
        try await store.writer.run { try $0.execute(sql: sql) }
    }

    @Test("counts are written to the text and read from it as they were")
    func storedText() {
        var counts = ActivityCounts(numbers: [1, 20, 300, 4_000, 50_000, 0, 7, 0, 9])
        for time in [Int64(0), 3, 40_000, 1 << 40] {
            counts.timeInQueue.add(.milliseconds(time), times: Int(time % 7 + 1))
        }
        let text = StoredActivity.text(counts)
        #expect(text.withUnsafeBufferPointer(StoredActivity.counts) == counts)
        let empty = StoredActivity.text(ActivityCounts())
        #expect(String(decoding: empty, as: UTF8.self) == "[[0,0,0,0,0,0,0,0,0],[0],[0]]")
        #expect(empty.withUnsafeBufferPointer(StoredActivity.counts).isEmpty)
        let times = StoredActivity.text(counts.timeInQueue)
        #expect(times.withUnsafeBufferPointer(StoredActivity.histogram) == counts.timeInQueue)
    }

    @Test(
        "a text that another program has spoilt counts as nothing, and the next counts are exact",
        arguments: [
            "", "x", "[", "]", "[[[", "[[1,2],[3]", "[[1],[2],[3],[4]]", "[[-1],[0],[0]]", "1,2", ",", "[1[1[1",
            "[[\(String(repeating: "9,", count: 99))1],[0],[0]]", "null", "[[1e9],[0],[0]]",
        ])
    func spoilt(text: String) async throws {
        _ = try await store.enqueue([try NewJob([], in: "q")])
        try await store.writer.run {
            try $0.execute(sql: "UPDATE stint_queues SET activity = ? WHERE name = 'q'", arguments: [text])
        }
        _ = try await activity()
        for _ in 1...2 { _ = try await store.enqueue([try NewJob([], in: "q")]) }
        let enqueued = try await activity().total.enqueued
        #expect(enqueued == 2)
        try await expectSound(store)
    }

    @Test("absurd counts stop no job, and do not overflow")
    func absurd() async throws {
        let most = "9223372036854775807"
        _ = try await store.enqueue([try NewJob([], in: "q")])
        try await execute(
            "UPDATE stint_queues SET activity = '[[\(most)0],[\(most),\(most)],[\(most),\(most)]]', minute = -\(most)")
        try await execute("INSERT INTO stint_buckets (seconds, start, queue_id, enqueued) VALUES (0, 0, 1, \(most))")
        _ = try await store.enqueue([try NewJob([], in: "q")])
        clock.advance(by: .seconds(60))
        _ = try await store.enqueue([try NewJob([], in: "q")])
        let request = ClaimRequest(queues: ["q"], limit: 9, lease: .seconds(60), worker: "test:1")
        #expect(try await store.claim(request).count == 3)
        #expect(try await activity().total.enqueued > 1 << 51)
    }

    @Test("jobs that SQL enqueues are counted when they are added, whatever the conflict clause")
    func enqueuedInSQL() async throws {
        for clause in ["", "OR IGNORE", "OR REPLACE", "OR FAIL"] {
            try await execute(
                """
                INSERT \(clause) INTO stint_enqueue (queue, payload, unique_key)
                VALUES ('q', 'x', 'k'), ('q', 'y', NULL)
                """)
        }
        try await execute("INSERT INTO stint_enqueue (queue, delay_ms) VALUES ('q', 5000)")
        #expect(try await activity().total.enqueued == 6)
        // By the machine's clock, which no test moves.
        let rows = try await rows(
            """
            SELECT seconds, sum(enqueued), min(start % max(1, seconds * 1000)) FROM stint_activity WHERE queue = 'q'
            GROUP BY seconds ORDER BY seconds
            """)
        #expect(rows == [[0, 6, 0], [60, 6, 0], [3_600, 6, 0]])
        _ = try await store.enqueue([try NewJob([], in: "q")])
        clock.advance(by: .seconds(60))
        _ = try await store.enqueue([try NewJob([], in: "q")])
        #expect(try await activity().total.enqueued == 8)
    }

    @Test("the view has the latest minute too, and minutes, hours and the total agree")
    func view() async throws {
        for _ in 1...3 {
            _ = try await store.enqueue([try NewJob([], in: "q"), try NewJob([], in: "other")])
            clock.advance(by: .seconds(60))
        }
        let rows = try await rows(
            """
            SELECT seconds, count(*), sum(enqueued) FROM stint_activity WHERE queue = 'q'
            GROUP BY seconds ORDER BY seconds
            """)
        #expect(rows == [[0, 1, 3], [60, 3, 3], [3_600, 1, 3]])
    }

    @Test("buckets that nobody reads any more go with the next counts, and by reaps if nothing happens")
    func pruning() async throws {
        for _ in 1...200 {
            _ = try await store.enqueue([try NewJob([], in: "q"), try NewJob([], in: "other")])
            clock.advance(by: .seconds(60))
        }
        #expect(try await rows("SELECT count(*) FROM stint_buckets WHERE seconds = 60") == [[2 * 60]])
        clock.advance(by: .seconds(4 * 86_400))
        #expect(try await store.reap() == ReapReport())
        #expect(try await rows("SELECT count(*) FROM stint_buckets WHERE seconds > 0") == [[0]])
        #expect(try await activity().total.enqueued == 200)
        // A clock that was far ahead leaves nothing for ever.
        clock.setWall(ahead: .seconds(900 * 86_400))
        for _ in 1...2 {
            _ = try await store.enqueue([try NewJob([], in: "q")])
            clock.advance(by: .seconds(60))
        }
        clock.setWall(ahead: .seconds(-900 * 86_400))
        for _ in 1...2 {
            _ = try await store.enqueue([try NewJob([], in: "q")])
            clock.advance(by: .seconds(60))
        }
        let future = clock.now().wall + 86_400_000
        #expect(try await rows("SELECT count(*) FROM stint_buckets WHERE start > \(future)") == [[0]])
        #expect(try await activity().total.enqueued == 204)
    }

    @Test("a reap of a file without old buckets takes no write lock for them")
    func idle() async throws {
        _ = try await store.enqueue([try NewJob([], in: "q")])
        clock.advance(by: .seconds(60))
        _ = try await store.enqueue([try NewJob([], in: "q")])
        func hasOldBuckets() async throws -> Bool {
            try await store.reader.run { [clock] in try JobTransaction($0, clock).hasOldBuckets() }
        }
        #expect(try await !hasOldBuckets())
        clock.advance(by: .seconds(5_000))
        #expect(try await hasOldBuckets())
    }

    @Test("jobs of a database of an earlier Stint wait since their enqueue")
    func migrated() async throws {
        let old = folder.database + "-old"
        try Fixture.make(version: 6, at: old)
        var options = SQLiteStore.Options()
        options.clock = clock
        let store = try SQLiteStore(path: old, options: options)
        let q = try #require(try await store.activity(of: ["q"], last: .seconds(60)).first)
        #expect(q.total.isEmpty && q.oldestReady == .milliseconds(100_000_000_000 - 1))
        await store.close()
    }

    @Test("the oldest ready job is found among a hundred thousand, by few reads")
    func oldest() async throws {
        _ = try await store.enqueue([try NewJob([], in: "q", options: JobOptions(priority: 7))])
        clock.advance(by: .seconds(100))
        try await execute(
            """
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
            INSERT INTO stint_ready (queue_id, priority, job_id, attempts, crashes, suspect, ready_at)
            SELECT 1, 5, 1000 + i, 0, 0, 0, \(clock.now().wall - 5_000) FROM n
            """)
        #expect(try await activity(last: .zero).oldestReady == .seconds(100))
        let steps = try await store.reader.run { [clock] database in
            let statement = try database.cachedStatement(sql: JobTransaction.oldestReady)
            _ = sqlite3_stmt_status(statement.sqliteStatement, SQLITE_STMTSTATUS_VM_STEP, 1)
            _ = try JobTransaction(database, clock).activity(of: ["q"], last: .zero)
            return sqlite3_stmt_status(statement.sqliteStatement, SQLITE_STMTSTATUS_VM_STEP, 0)
        }
        // A step of a scan is several of these.
        #expect((1...10_000).contains(steps), "\(steps)")
    }

    @Test("counts of several processes and of callers that share a commit add up")
    func together() async throws {
        let other = try SQLiteStore(path: folder.database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                group.addTask { [store] in
                    let store = number % 2 == 0 ? store : other
                    for _ in 1...5 {
                        _ = try await store.enqueue([try NewJob([], in: "q")])
                        let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(60), worker: "test:1")
                        let jobs = try await store.claim(request)
                        _ = try await store.settle(jobs.map { Settlement($0.lease, .ack) })
                    }
                }
            }
            try await group.waitForAll()
        }
        let total = try await activity().total
        #expect(total.enqueued == 320 && total.started == total.done && total.timeInQueue.count == total.started)
        let ready = try await store.stats()[0].ready
        #expect(total.runTime.count == total.done && total.done + ready == 320)
        await other.close()
    }
}
