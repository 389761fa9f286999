import GRDB
import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintSQLite

/// Defects that fuzzing has found, each by itself; Tests/Reliability/Fuzzing has the rest.
@Suite("Rows that another program has corrupted")
struct CorruptedRowTests {
    /// A queue with jobs 1 to 4 ready, 5 leased by token 1 until its deadline, 6 and 7 buried.
    private func withQueue(
        _ sql: String, _ body: (JobQueue<SQLiteStore>, TestClock) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options(durability: .normal)
        options.clock = clock
        let queue = try await JobQueue(.sqlite(folder.database, options: options))
        func put(_ count: Int) async throws {
            for _ in 0..<count { try await queue.enqueue(payload: Array("x".utf8), in: "q") }
        }
        try await put(4)
        try await queue.enqueue(payload: [5], in: "q", options: JobOptions(priority: 0, uniqueKey: "k"))
        _ = try await queue.claim(1, lease: .seconds(10))
        try await put(2)
        try await queue.store.bury([6, 7].map { JobID(rawValue: $0) }, reason: "by hand")
        try await queue.store.writer.run { try $0.execute(sql: sql) }
        try await body(queue, clock)
    }

    private func claimAll(_ queue: JobQueue<SQLiteStore>) async throws -> [Int64] {
        var ran: [Int64] = []
        while true {
            // Suspects come alone.
            let jobs = try await queue.claim(100)
            if jobs.isEmpty { return ran.sorted() }
            try await queue.ack(jobs)
            ran += jobs.map(\.id.rawValue)
        }
    }

    @Test(
        "a job in a second state holds nobody up at a claim, an acknowledgement or a kick",
        arguments: [
            "INSERT INTO stint_leased VALUES (2, 1, 1, 0, 0, NULL, NULL, 0)",
            "INSERT INTO stint_leased VALUES (2, 77, 1, 0, 0, NULL, NULL, 0)",
            "INSERT INTO stint_delayed VALUES (2, 1, 0, 0, 0, 0, NULL, NULL, 0)",
            "INSERT INTO stint_done VALUES (2, 1, 1, 1, 0, NULL); UPDATE stint_queues SET retention_ms = 60000",
            "INSERT INTO stint_ready VALUES (1, 1024, 6, 0, 0, 0, NULL, NULL, NULL)",
        ])
    func twoStates(sql: String) async throws {
        try await withQueue(sql) { queue, clock in
            #expect(try await queue.kick("q") == 2)
            let ran = try await claimAll(queue)
            #expect(ran == [1, 2, 3, 4, 6, 7])
            clock.advance(by: .seconds(20))
            _ = try await queue.reap()
            let last = try await claimAll(queue)
            #expect(last.contains(5))
        }
    }

    @Test(
        "a job that is ready twice is handed out once in a claim",
        arguments: [
            "INSERT INTO stint_ready VALUES (1, 7, 2, 0, 0, 0, NULL, NULL, NULL)",
            "INSERT INTO stint_queues (id, name, ready) VALUES (9, 'other', 1); INSERT INTO stint_ready VALUES (9, 1024, 2, 0, 0, 0, NULL, NULL, NULL)",
        ])
    func readyTwice(sql: String) async throws {
        try await withQueue(sql) { queue, _ in
            let jobs = try await queue.claim(100, from: ["q", "other"])
            #expect(jobs.map(\.id.rawValue).sorted() == [1, 2, 3, 4])
            try await queue.ack(jobs)
            let more = try await queue.claim(100, from: ["q", "other"])
            #expect(more.isEmpty)
        }
    }

    @Test("a buried row without its job does not keep the others from being kicked")
    func danglingBuried() async throws {
        try await withQueue("DELETE FROM stint_jobs WHERE id = 6") { queue, _ in
            let kicked = try await queue.kick("q")
            let ran = try await claimAll(queue)
            #expect(kicked == 1 && ran == [1, 2, 3, 4, 7])
        }
    }

    @Test(
        "counts past all numbers trap nobody and hold nobody up",
        arguments: [Int64.max, .max - 1, .min, -1],
        ["ready", "delayed", "leased", "buried", "done"])
    func absurdCounts(value: Int64, column: String) async throws {
        try await withQueue(
            "INSERT INTO stint_queues (name, ready) VALUES ('r', \(value)); UPDATE stint_queues SET \(column) = \(value)"
        ) {
            queue, clock in
            let both = try await queue.claim(2, from: ["q", "r"])
            try await queue.ack(both)
            #expect(both.map(\.id.rawValue) == [1, 2])
            #expect(try await queue.kick("q") == 2)
            clock.advance(by: .seconds(20))
            _ = try await queue.reap()
            #expect(try await claimAll(queue) == [3, 4, 5, 6, 7])
            _ = try await queue.store.stats().map(\.unfinished)
        }
    }

    @Test("a lease with an absurd number of jobs ends in time", arguments: [Int64.max, .min, 0, -1])
    func absurdLease(jobs: Int64) async throws {
        let sql = """
            UPDATE stint_leases SET jobs = \(jobs);
            INSERT INTO stint_leases (queue_id, worker, boot_id, deadline, claimed_at, expires_at, jobs)
                SELECT queue_id, worker, boot_id, deadline, claimed_at, expires_at, jobs FROM stint_leases
            """
        try await withQueue(sql) { queue, clock in
            let findings = try await queue.store.examine()
            #expect(!findings.isEmpty)
            clock.advance(by: .seconds(20))
            _ = try await queue.reap()
            #expect(try await claimAll(queue) == [1, 2, 3, 4, 5])
        }
    }

    @Test("a leased job whose lease is gone is reclaimed, and no row of a job that is gone stays leased")
    func danglingLease() async throws {
        let sql = "DELETE FROM stint_leases; INSERT INTO stint_leased VALUES (999, 5, 1, 0, 0, NULL, NULL, 0)"
        try await withQueue(sql) { queue, _ in
            let states = try await queue.store.examine().first { $0.subject == "states" }
            #expect(states?.isGood == false && states?.description.contains("5 (leased without a lease)") == true)
            #expect(try await queue.reap() == ReapReport(requeued: 1))
            #expect(try await claimAll(queue) == [1, 2, 3, 4, 5])
            let rest = try await queue.store.reader.run {
                try Int.fetchOne($0, sql: "SELECT count(*) FROM stint_leased")
            }
            #expect(rest == 0)
            try await expectSound(queue.store)
        }
    }

    @Test("a token of another type does not make the reaper go round for ever")
    func foreignToken() async throws {
        let sql = """
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE name = 'stint_leased';
            PRAGMA writable_schema = RESET;
            UPDATE stint_leased SET token = 'another'
            """
        try await withQueue(sql) { queue, _ in
            let report = try await queue.reap()
            let ran = try await claimAll(queue)
            #expect(report == ReapReport(requeued: 1) && ran == [1, 2, 3, 4, 5])
        }
    }

    @Test("a ready row whose job is no number is not claimed again and again in place of others")
    func foreignJob() async throws {
        let sql = """
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = replace(sql, ') STRICT, WITHOUT', ') WITHOUT') WHERE name = 'stint_ready';
            PRAGMA writable_schema = RESET;
            UPDATE stint_ready SET job_id = 'another', priority = 0 WHERE job_id = 1
            """
        try await withQueue(sql) { queue, _ in
            var ran: [Int64] = []
            for _ in 1...3 {
                let jobs = try await queue.claim(1)
                try await queue.ack(jobs)
                ran += jobs.map(\.id.rawValue)
            }
            #expect(ran == [2, 3, 4])
        }
    }

    @Test("the unique key of a job that is gone takes no other job's place")
    func danglingKey() async throws {
        try await withQueue("DELETE FROM stint_jobs WHERE id = 5") { queue, _ in
            let answer = try await queue.enqueue(payload: [8], in: "q", options: JobOptions(uniqueKey: "k"))
            #expect(answer == Enqueued(id: JobID(rawValue: 8), isDuplicate: false))
        }
    }

    @Test("a list goes on behind a row whose job is gone", arguments: JobState.allCases)
    func danglingInList(state: JobState) async throws {
        let table = "stint_\(state.rawValue)"
        let sql = """
            UPDATE stint_leases SET jobs = jobs;
            \(state == .delayed ? "INSERT INTO stint_delayed SELECT job_id, queue_id, 1, 0, 0, 0, NULL, NULL, 0 FROM stint_buried; DELETE FROM stint_buried;" : "")
            \(state == .done ? "INSERT INTO stint_done SELECT job_id, queue_id, 1, 0, 0, NULL FROM stint_buried; DELETE FROM stint_buried;" : "")
            \(state == .cancelled || state == .expired ? "INSERT INTO \(table) SELECT job_id, queue_id, 1, 0, 0, 'r', NULL FROM stint_buried; DELETE FROM stint_buried;" : "")
            \(state == .leased ? "INSERT INTO stint_leased SELECT job_id, 1, 0, 0, 0, NULL, NULL, 0 FROM stint_buried; DELETE FROM stint_buried;" : "")
            DELETE FROM stint_jobs WHERE id = (SELECT min(job_id) FROM \(table));
            """
        try await withQueue(sql) { queue, _ in
            let all = try await queue.store.list(JobFilter(state: state, limit: 1))
            let some = try await queue.store.list(JobFilter(queue: "q", state: state, limit: 1))
            #expect(all.count == 1 && some.count == 1)
        }
    }
}
