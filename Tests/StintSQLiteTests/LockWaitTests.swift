import GRDB
import StintCore
import StoreConformance
import TestSupport
import Testing

@testable import StintSQLite

@Suite("A wait for the write lock eats no lease")
final class LockWaitTests {
    private let folder: TemporaryFolder
    private let clock = TestClock()
    private let store: SQLiteStore

    init() throws {
        folder = try TemporaryFolder()
        var options = SQLiteStore.Options()
        options.clock = clock
        store = try SQLiteStore(path: folder.database, options: options)
    }

    /// Calls a verb while another connection holds the write lock, and lets time pass before it releases the lock.
    private func locked<Value: Sendable>(
        for duration: Duration, _ verb: @escaping @Sendable (SQLiteStore) async throws -> Value
    ) async throws -> Value {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        configuration.busyMode = .timeout(20)
        let holder = try DatabaseQueue(path: folder.database, configuration: configuration)
        try await holder.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        // The writer may linger after the call before this one.
        try await eventually("the call before is over") { try !store.transactions.isBusy }
        let call = Task { [store] in try await verb(store) }
        try await eventually("the verb waits") { try store.transactions.isBusy }
        clock.advance(by: duration)
        try await holder.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        return try await call.value
    }

    private func claim(lease: Duration = .seconds(30)) -> ClaimRequest {
        ClaimRequest(queues: ["q"], limit: 1, lease: lease, worker: "test:1")
    }

    @Test("a deadline counts from when the lease was granted or extended, and not from when that was asked for")
    func deadline() async throws {
        _ = try await store.enqueue([NewJob([], in: "q")])
        let request = claim()
        let job = try #require(try await locked(for: .seconds(25)) { try await $0.claim(request) }.first)
        clock.advance(by: .milliseconds(29_999))
        #expect(try await store.reap() == ReapReport())
        #expect(try await locked(for: .seconds(20)) { try await $0.extend([job.lease], by: .seconds(30)) }.isEmpty)
        clock.advance(by: .milliseconds(29_999))
        #expect(try await store.reap() == ReapReport())
        clock.advance(by: .milliseconds(1))
        #expect(try await store.reap() == ReapReport(requeued: 1))
    }

    @Test("a reap that had to wait for the lock leaves a lease that ran out meanwhile for a second look")
    func reap() async throws {
        _ = try await store.enqueue([NewJob([], in: "q", options: JobOptions(maxAttempts: 1, maxCrashes: 1))])
        let job = try #require(try await store.claim(claim()).first)
        clock.advance(by: .seconds(35))
        #expect(try await locked(for: .seconds(5)) { try await $0.reap() } == ReapReport())
        // Its holder had waited for the same lock, and extends now.
        #expect(try await store.extend([job.lease], by: .seconds(30)).isEmpty)
        clock.advance(by: .seconds(10))
        #expect(try await store.reap() == ReapReport())
        #expect(try await store.job(job.id)?.record.state == .leased)
        // A lease that is not extended is reclaimed by the second look.
        clock.advance(by: .seconds(25))
        #expect(try await locked(for: .seconds(1)) { try await $0.reap() } == ReapReport())
        clock.advance(by: .milliseconds(250))
        #expect(try await store.reap() == ReapReport(requeued: 1))
        let record = try #require(try await store.job(job.id)).record
        #expect(record.suspect && record.attempts == 0 && record.crashes == 0, "\(record)")
    }
}
