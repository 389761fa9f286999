import GRDB
import StintCore
import StintSQLiteMigrations
import StoreConformance
import Testing

@testable import StintSQLite

@Suite("A database of an earlier Stint")
struct MigrationTests {
    /// With jobs in every state: of the leased ones 3 alone, 4 and 5 together, 6 of an earlier boot, 10 with time left.
    private static let jobs = """
        INSERT INTO stint_queues VALUES (1, 'q', 0, 3600000, 1, 1, 5, 1, 7), (2, 'paused', 1, 0, 1, 0, 0, 0, 0);
        INSERT INTO stint_jobs
            SELECT value, 1, 10, 3, 2, 5000, 1700000000000 + value, 'text/plain', 'a: b',
                   CAST('job ' || value AS BLOB)
            FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10)
                  SELECT value FROM n) WHERE value <> 9;
        INSERT INTO stint_jobs VALUES (9, 2, 10, 3, 2, NULL, 1700000000009, 'text/plain', NULL, x'00FF');
        INSERT INTO stint_ready VALUES (1, 10, 1, 1, 0, 1), (2, 10, 9, 0, 0, 0);
        INSERT INTO stint_delayed VALUES (2, 1, 1900000000000, 1, 1, 0);
        INSERT INTO stint_leases VALUES
            (21, 1, 'host:1', 'boot-1', 5010000, 1, 2, 1, 0), (22, 1, 'host:2', 'boot-1', 5010000, 1, 2, 2, 0),
            (23, 1, 'host:3', 'boot-0', 9999999, 1, 2, 1, 0), (24, 1, 'host:4', 'boot-1', 5020000, 1, 2, 1, 0);
        INSERT INTO stint_leased VALUES (3, 21, 1, 0, 0), (4, 22, 1, 0, 0), (5, 22, 1, 0, 0), (6, 23, 1, 0, 0),
            (10, 24, 1, 0, 0);
        INSERT INTO stint_buried VALUES (7, 1, 1700000000100, 3, 2, 'crashed 2 times');
        INSERT INTO stint_done VALUES (8, 1, 1800000000000, 1, 0);
        INSERT INTO stint_unique_keys VALUES (2, 1, 'k');
        INSERT INTO stint_failures VALUES (1, 7, 1, 1700000000050, 'crashed', 'SIGSEGV', 'host:9'),
            (2, 2, 1, 1700000000060, 'failed', 'refused', NULL);
        """

    private func build(_ path: String) async throws {
        var configuration = Configuration()
        configuration.journalMode = .wal
        let database = try DatabaseQueue(path: path, configuration: configuration)
        let first = SQLiteMigrations.all[0]
        try await database.write { db in
            try db.execute(
                sql: """
                    CREATE TABLE stint_migrations (
                        version    INTEGER PRIMARY KEY,
                        name       TEXT    NOT NULL,
                        sql        TEXT    NOT NULL,
                        applied_at INTEGER NOT NULL
                    ) STRICT
                    """)
            try db.execute(sql: first.sql)
            try db.execute(
                sql: "INSERT INTO stint_migrations VALUES (?, ?, ?, 0)", arguments: [1, first.name, first.sql])
            try db.execute(sql: Self.jobs)
        }
        try database.close()
    }

    @Test("opens with all its jobs, and its leases end as they would have")
    func version1() async throws {
        let folder = try TemporaryFolder()
        try await build(folder.database)
        let store = try SQLiteStore(path: folder.database)
        try await expectSound(store)
        let clock = ManualClock()
        let stats = try await store.stats()
        #expect(
            stats == [
                QueueStats(name: "paused", ready: 1, delayed: 0, leased: 0, buried: 0, done: 0, paused: true),
                QueueStats(name: "q", ready: 1, delayed: 1, leased: 5, buried: 1, done: 7, paused: false),
            ])
        let buried = try #require(try await store.job(JobID(rawValue: 7)))
        #expect(buried.record.reason == "crashed 2 times" && buried.payload == Array("job 7".utf8))
        #expect(
            buried.failures == [
                JobFailure(attempt: 1, at: 1_700_000_000_050, kind: .crashed, error: "SIGSEGV", worker: "host:9")
            ])
        #expect(try await store.failures(limit: 9).map(\.job.rawValue) == [2, 7])
        #expect(try await store.job(JobID(rawValue: 2))?.record.uniqueKey == "k")
        #expect(try await store.job(JobID(rawValue: 9))?.payload == [0, 0xFF])
        #expect(try await store.job(JobID(rawValue: 8))?.record.state == .done)

        #expect(try await store.reap(now: clock.now()) == ReapReport(requeued: 1))
        #expect(try await store.job(JobID(rawValue: 6))?.record.attempts == 0)
        clock.advance(by: .seconds(10))
        #expect(try await store.reap(now: clock.now()) == ReapReport(requeued: 3))
        let alone = try #require(try await store.job(JobID(rawValue: 3)))
        #expect(alone.record.crashes == 1 && alone.failures.map(\.kind) == [.expired])
        for id: Int64 in [4, 5] {
            let record = try #require(try await store.job(JobID(rawValue: id))?.record)
            #expect(record.suspect && record.crashes == 0 && record.attempts == 0)
        }
        // The holder of a lease from before can still settle it.
        let held = Lease(job: JobID(rawValue: 10), token: FencingToken(rawValue: 24))
        #expect(try await store.settle(Settlement(held, .ack), now: clock.now()) == .done)
        let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(1), worker: "test:1")
        let next = try #require(try await store.claim(request, now: clock.now()).first)
        #expect(next.lease.token.rawValue == 25 && next.id.rawValue == 1 && next.headers["a"] == "b")
        try await expectSound(store)
    }

    @Test("is migrated once, also when several open it at the same moment")
    func once() async throws {
        let folder = try TemporaryFolder()
        try await build(folder.database)
        let path = folder.database
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 1...8 { group.addTask { _ = try await runClaimingWorker("open", path) } }
            try await group.waitForAll()
        }
        let store = try SQLiteStore(path: path)
        let versions = try await store.reader.run { database in
            try Int.fetchAll(database, sql: "SELECT version FROM stint_migrations ORDER BY version")
        }
        #expect(versions == SQLiteMigrations.all.map(\.version))
        try await expectSound(store)
    }
}
