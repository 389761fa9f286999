import PostgresSupport
import StintCore
import TestSupport
import Testing

@testable import StintPostgres

@Suite("PostgreSQL: what a store makes of an outage and a failover")
struct OutageTests {
    private static func request(_ lease: Duration = .seconds(60)) -> ClaimRequest {
        ClaimRequest(queues: ["q"], limit: 1, lease: lease, worker: "w")
    }

    /// The server ends all connections to a database but the caller's.
    private func endConnections(_ administrator: PostgresConnections) async throws {
        _ = try await administrator.run(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
    }

    // MARK: - Ids of queues

    /// What a failover to a standby does that has not got the last queue: its id is given to another one.
    private func swapIDs(_ administrator: PostgresConnections) async throws {
        _ = try await administrator.run([
            PostgresStatement("UPDATE stint.queues SET name = 'other' WHERE name = 'q'"),
            PostgresStatement("INSERT INTO stint.queues (name) VALUES ('q')"),
        ])
    }

    @Test("an id of a queue that is another one's now is not used for an enqueue or a claim in one round trip")
    func idsInOneRoundTrip() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        let old = try await store.enqueue([NewJob([], in: "q")])[0].id
        #expect(store.knownQueues.id(of: "q") != nil)
        try await swapIDs(database.administrator)
        #expect(try await store.claim(Self.request()).isEmpty)
        #expect(try await store.job(old)?.record.queue == "other")
        let new = try await store.enqueue([NewJob([], in: "q")])[0].id
        #expect(try await store.job(new)?.record.queue == "q")
        // And once more, with the ids that were read since.
        #expect(try await store.claim(Self.request()).map(\.id) == [new])
        _ = try await database.administrator.run("UPDATE stint.queues SET name = 'third' WHERE name = 'q'")
        let last = try await store.enqueue([NewJob([], in: "q")])[0].id
        #expect(try await store.job(last)?.record.queue == "q")
        await store.close()
        await database.close()
    }

    @Test("ids of queues are forgotten with a lost connection")
    func idsAfterReconnect() async throws {
        let database = try await TestDatabase()
        let store = try await PostgresStore.open(database.url)
        let keyed = JobOptions(uniqueKey: "k")
        let old = try await store.enqueue([NewJob([], in: "q", options: keyed)])[0].id
        try await swapIDs(database.administrator)
        try await endConnections(database.administrator)
        let new = try await store.enqueue([NewJob([], in: "q", options: keyed)])[0]
        #expect(new.id != old && new.outcome == .added)
        #expect(try await store.job(new.id)?.record.queue == "q")
        await store.close()
        await database.close()
    }

    @Test("a process that enqueues nothing learns the ids of its queues, so that its next claim is one round trip")
    func claimsLearnIDs() async throws {
        let database = try await TestDatabase()
        let (store, producer) = (
            try await PostgresStore.open(database.url), try await PostgresStore.open(database.url)
        )
        _ = try await producer.enqueue([NewJob([], in: "q"), NewJob([], in: "q")])
        #expect(try await store.claim(Self.request()).count == 1)
        #expect(try await store.exchangeAtOnce([], for: Self.request())?.jobs.count == 1)
        await store.close()
        await producer.close()
        await database.close()
    }
}
