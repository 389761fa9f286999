import PostgresSupport
import StintCore
import Synchronization
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: claims while others move the same jobs, and while their worker ends")
struct ConcurrentClaimsTests {
    private static func request(_ queues: [QueueName], by worker: WorkerID? = nil) -> ClaimRequest {
        ClaimRequest(queues: queues, limit: 10, lease: .seconds(60), worker: "w", registration: worker)
    }

    /// A queue whose jobs are claimed by turns, with a group that has no jobs any more and is still in the line.
    private func makeTurns(_ store: PostgresStore, _ queue: QueueName) async throws {
        try await store.cancel(
            store.enqueue([NewJob([], in: queue, options: JobOptions(group: "g"))]).map(\.id), reason: "r")
    }

    @Test("a job that was buried and kicked since it was chosen is leased with the attempts that it has now")
    func kickedSinceItWasChosen() async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        let administrator = try PostgresConnections(url)
        let id = try await store.enqueue([NewJob([], in: "first")])[0].id
        let failed = try #require(try await store.claim(Self.request(["first"])).first)
        _ = try await store.settle([Settlement(failed.lease, .fail(error: "e", retryAfter: .zero))])
        for queue in ["first", "second"] as [QueueName] { try await makeTurns(store, queue) }

        // The claim has chosen the job of the first queue when it waits for the group of the second one.
        let claim = Mutex<Task<[LeasedJob], any Error>?>(nil)
        try await administrator.transaction { holder in
            _ = try await holder.run(
                """
                SELECT 1 FROM stint.groups WHERE queue_id = (SELECT id FROM stint.queues WHERE name = 'second') FOR UPDATE
                """)
            claim.withLock { $0 = Task { try await store.claim(Self.request(["first", "second"])) } }
            try await untilLockIsAwaited(other.connections)
            try await other.bury([id], reason: "r")
            try await other.kick([id])
        }
        let jobs = try await #require(claim.withLock { $0 }).value
        #expect(jobs.map(\.id) == [id])
        #expect(jobs.first?.attempt == 1)
        #expect(try await store.job(id)?.record.attempts == 1)
        await store.close()
        await other.close()
        await administrator.close()
    }

    private func register(_ store: PostgresStore) async throws -> WorkerID {
        try await store.register(
            WorkerRegistration(
                name: "w", process: WorkerProcess(name: "w", id: "w"), queues: ["q"], concurrency: 1), as: nil
        ).id
    }

    @Test("a claim whose worker is being reclaimed takes nothing", arguments: [["q"], ["q", "p"]] as [[QueueName]])
    func claimAfterReclaim(queues: [QueueName]) async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        _ = try await store.enqueue([NewJob([], in: "q"), NewJob([], in: "p")])
        let worker = try await register(store)
        let jobs = try await whileUncommitted(other, url) { transaction in
            try await transaction.lockForReclaim([worker])
            _ = try await transaction.reclaim(from: [worker], .died("died", nil))
        } _: {
            try await store.claim(Self.request(queues, by: worker))
        }
        #expect(jobs.isEmpty)
        #expect(try await store.stats().map(\.leased) == [0, 0])
        await store.close()
        await other.close()
    }

    @Test("a reclaim waits for the claim of its worker, and finds its lease")
    func reclaimAfterClaim() async throws {
        let url = try await PostgresCluster.shared.database()
        let (store, other) = (try await PostgresStore.open(url), try await PostgresStore.open(url))
        _ = try await store.enqueue([NewJob([], in: "q")])
        let worker = try await register(store)
        let report = try await whileUncommitted(other, url) { transaction in
            _ = try await transaction.exchange([], for: Self.request(["q"], by: worker))
        } _: {
            try await store.reclaim(from: [worker], .stopped)
        }
        #expect(report == ReapReport(requeued: 1))
        await store.close()
        await other.close()
    }
}
