import CFaults
import GRDBSQLite
import Logging
import StintCore
import StintSQLite
import TestSupport
import Testing

/// Which claims wait for the disk. One that returns no job may have changed something all the same: jobs whose time has come, or is
/// over.
@Suite("Which claims wait for the disk", .serialized)
struct ClaimSyncTests {
    private static let request = ClaimRequest(queues: ["q"], limit: 8, lease: .seconds(30), worker: "host:1")

    /// - Returns: How many syncs and writes of the log there are until it returns.
    private func log(_ path: String, during body: () async throws -> Void) async throws -> (syncs: Int, writes: Int) {
        faults_record(true)
        defer { faults_record(false) }
        try await body()
        let events = (0..<faults_event_count()).map { faults_event_at($0) }
            .filter { $0.path.map { String(cString: $0) } == path + "-wal" }
        return (events.count { $0.kind == FAULTS_SYNC }, events.count { $0.kind == FAULTS_WRITE })
    }

    private func claimsNothing(_ store: SQLiteStore) async throws {
        #expect(try await store.claim(Self.request).isEmpty)
    }

    @Test(
        "a claim that returns nothing is on disk if it changed something, and touches no disk otherwise",
        arguments: ["due", "expired"])
    func syncs(_ change: String) async throws {
        try #require(faults_install() == SQLITE_OK)
        let folder = try TemporaryFolder()
        let path = folder.database
        faults_only(folder.path)
        defer { faults_only(nil) }
        let clock = TestClock()
        var options = SQLiteStore.Options(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        options.clock = clock
        let store = try SQLiteStore(path: path, options: options)
        if change == "due" {
            try await store.configure("q", QueueSettings(concurrency: .to(1)))
            _ = try await store.enqueue([NewJob([], in: "q")])
            #expect(try await store.claim(Self.request).count == 1)
            _ = try await store.enqueue([NewJob([], in: "q", options: JobOptions(delay: .seconds(10)))])
        } else {
            _ = try await store.enqueue([NewJob([], in: "q", options: JobOptions(expires: .seconds(10)))])
        }
        clock.advance(by: .seconds(10))
        let first = try await log(path) { try await claimsNothing(store) }
        #expect(first.syncs >= 1 && first.writes > 0)
        // From time to time a transaction marks the file, and the log is moved into the database: not at each claim.
        var others: [(syncs: Int, writes: Int)] = []
        for _ in 0..<5 { others.append(try await log(path) { try await claimsNothing(store) }) }
        #expect(others.contains { $0 == (0, 0) }, "\(others)")
        await store.close()
    }

    @Test(
        "a claim of jobs that are known to be on disk is answered without a sync, others and acks with one",
        arguments: [false, true])
    func durableUpTo(isAskedWithCallback: Bool) async throws {
        try #require(faults_install() == SQLITE_OK)
        let folder = try TemporaryFolder()
        let path = folder.database
        faults_only(folder.path)
        defer { faults_only(nil) }
        let store = try SQLiteStore(
            path: path, options: SQLiteStore.Options(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
        let first = try await store.enqueue([NewJob([], in: "q")])[0]
        var request = ClaimRequest(queues: ["q"], limit: 1, lease: .seconds(30), worker: "host:1")
        request.durableUpTo = first.id
        var jobs: [LeasedJob] = []
        let claim = try await log(path) { [request] in
            jobs =
                isAskedWithCallback
                ? try await withCheckedThrowingContinuation { call in
                    store.startExchange([], for: request) { call.resume(with: $0) }
                }.jobs : try await store.exchange([], for: request).jobs
        }
        #expect(jobs.count == 1 && claim.syncs == 0 && claim.writes > 0)
        _ = try await store.enqueue([NewJob([], in: "q")])
        let second = try await log(path) { [request] in
            jobs += try await store.exchange([], for: request).jobs
        }
        #expect(jobs.count == 2 && second.syncs >= 1)
        let lease = try #require(jobs.first).lease
        let ack = try await log(path) { try await store.settle(Settlement(lease, .ack)) }
        #expect(ack.syncs >= 1)
        await store.close()
    }
}
