import GRDB
import StintCore
import StintSQLiteMigrations
import StoreConformance
import TestSupport
import Testing
import Torture

@testable import StintSQLite

@Suite("A database of an earlier Stint")
struct MigrationTests {
    /// The schema that has operations.
    private static let operations = SQLiteMigrations.all.firstIndex { $0.name == "v009_operations" }! + 1
    private static let webhooks = SQLiteMigrations.all.firstIndex { $0.name == "v011_webhooks" }! + 1

    @Test("opens with all its jobs, and its leases end as they would have", arguments: 1...Fixture.contents.count)
    func version(_ version: Int) async throws {
        let folder = try TemporaryFolder()
        try Fixture.make(version: version, at: folder.database)
        let clock = TestClock()
        var options = SQLiteStore.Options()
        options.clock = clock
        let store = try SQLiteStore(path: folder.database, options: options)
        try await expectSound(store)
        let stats = try await store.stats().filter { $0.name != "sql" && $0.name != "flow" }
        #expect(
            stats == [
                QueueStats(
                    name: "paused", ready: 1, delayed: 0, leased: 0, buried: 0, done: 0, paused: true,
                    pauseReason: version >= Self.operations ? "the provider is down" : nil),
                QueueStats(name: "q", ready: 1, delayed: 1, leased: 5, buried: 1, done: 7, paused: false),
            ])
        let buried = try #require(try await store.job(JobID(rawValue: 7)))
        #expect(buried.record.reason == "crashed 2 times" && buried.payload == Array("job 7".utf8))
        #expect(
            buried.failures.first
                == JobFailure(attempt: 1, at: 1_700_000_000_050, kind: .crashed, error: "SIGSEGV", worker: "host:9"))
        #expect(try await store.failures(limit: 9).map(\.job.rawValue).suffix(2) == [2, 7])
        #expect(try await store.job(JobID(rawValue: 2))?.record.uniqueKey == "k")
        #expect(try await store.job(JobID(rawValue: 9))?.payload == [0, 0xFF])
        #expect(try await store.job(JobID(rawValue: 8))?.record.state == .done)

        #expect(try await store.reap() == ReapReport(requeued: 1))
        #expect(try await store.job(JobID(rawValue: 6))?.record.attempts == 0)
        clock.advance(by: .seconds(10))
        #expect(try await store.reap() == ReapReport(requeued: 3))
        let alone = try #require(try await store.job(JobID(rawValue: 3)))
        #expect(alone.record.crashes == 0 && alone.record.suspect && alone.failures.map(\.kind) == [.expired])
        for id: Int64 in [4, 5] {
            let record = try #require(try await store.job(JobID(rawValue: id))?.record)
            #expect(record.suspect && record.crashes == 0 && record.attempts == 0)
        }
        if version >= Self.operations {
            #expect(try await store.job(JobID(rawValue: 201)) == nil)
            #expect(try await store.operation(OperationID(rawValue: 2))?.action == .change(.kick))
            let restore = try await store.beginRestore(of: OperationID(rawValue: 1), by: nil)
            #expect(try await JobQueue(store: store).run(restore.id).changed == 1)
            #expect(try await store.job(JobID(rawValue: 201))?.record.group == "tenant")
        }
        if version >= Self.webhooks {
            #expect(try await store.webhooks().map(\.delivered) == [3])
            #expect(try await store.webhook("ops")?.secret.bytes == Array(0...15))
        }
        // The holder of a lease from before can still settle it.
        let held = Lease(job: JobID(rawValue: 10), token: FencingToken(rawValue: 24))
        #expect(try await store.settle(Settlement(held, .ack)) == .done)
        let request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(1), worker: "test:1")
        let next = try #require(try await store.claim(request).first)
        #expect(next.lease.token.rawValue == 25 && next.id.rawValue == 1 && next.headers["a"] == "b")
        try await expectSound(store)
    }

    @Test("is migrated once, also when several open it at the same moment")
    func once() async throws {
        let folder = try TemporaryFolder()
        try Fixture.make(version: 1, at: folder.database)
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
