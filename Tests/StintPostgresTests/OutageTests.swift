import Logging
import PostgresSupport
import StintCore
import Synchronization
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

    // MARK: - Leases

    @Test("after an outage a lease that has run out meanwhile is left to its worker until it has had time to connect")
    func leases() async throws {
        let database = try await TestDatabase()
        let clock = TestClock()
        let store = try await PostgresStore.open(database.url, clock: clock)
        _ = try await store.enqueue([NewJob([], in: "q"), NewJob([], in: "q")])
        let (living, dead) = (
            try #require(try await store.claim(Self.request()).first),
            try #require(try await store.claim(Self.request()).first)
        )
        try await endConnections(database.administrator)
        clock.advance(by: .seconds(60))
        let first = try await store.reap()
        #expect(first == ReapReport() && first.spared == 2)
        #expect(try await store.extend([living.lease], by: .seconds(60)).isEmpty)
        clock.advance(by: OutageWatch.grace - .milliseconds(1))
        #expect(try await store.reap() == ReapReport())
        clock.advance(by: .milliseconds(1))
        #expect(try await store.reap() == ReapReport(requeued: 1))
        #expect(try await store.job(dead.id)?.record.state == .ready)
        #expect(try await store.job(living.id)?.record.state == .leased)
        await store.close()
        await database.close()
    }

    @Test("a server that loses its connections again and again keeps no lease of a dead worker for ever")
    func longOutage() async throws {
        let database = try await TestDatabase()
        let clock = TestClock()
        let store = try await PostgresStore.open(database.url, clock: clock)
        _ = try await store.enqueue([NewJob([], in: "q")])
        _ = try await store.claim(Self.request())
        clock.advance(by: .seconds(60))
        var requeued = 0
        for _ in 0..<40 where requeued == 0 {
            try await endConnections(database.administrator)
            clock.advance(by: OutageWatch.grace)
            requeued = try await store.reap().requeued
        }
        #expect(requeued == 1)
        await store.close()
        await database.close()
    }

    @Test(
        "a reaper that starts after the server was killed spares what ran out before, until workers have had time to connect",
        .enabled(if: PostgresCluster.isOwn))
    func newReaper() async throws {
        let cluster = try PostgresCluster(settings: ["fsync": "off"])
        let url = try await cluster.createDatabase()
        let clock = TestClock()
        let worker = try await PostgresStore.open(url, clock: clock)
        _ = try await worker.enqueue((0..<3).map { _ in try NewJob([], in: "q") })
        let (living, dead) = (
            try #require(try await worker.claim(Self.request()).first),
            try #require(try await worker.claim(Self.request()).first)
        )
        try await cluster.crash()
        clock.advance(by: .seconds(60))
        // What this one has seen of the outage, another process knows nothing of.
        let reaper = try await PostgresStore.open(url, clock: clock)
        let first = try await reaper.reap()
        #expect(first == ReapReport() && first.spared == 2 && first.nextLook == OutageWatch.grace)
        #expect(try await worker.extend([living.lease], by: .seconds(60)).isEmpty)
        // What was granted since the reaper began has run out without an outage.
        #expect(try await worker.claim(Self.request(.seconds(1))).count == 1)
        clock.advance(by: .seconds(1))
        let second = try await reaper.reap()
        #expect(second == ReapReport(requeued: 1) && second.spared == 1)
        #expect(second.nextLook == OutageWatch.grace - .seconds(1))
        clock.advance(by: OutageWatch.grace - .milliseconds(1_001))
        #expect(try await reaper.reap() == ReapReport())
        clock.advance(by: .milliseconds(1))
        #expect(try await reaper.reap() == ReapReport(requeued: 1))
        #expect(try await reaper.job(dead.id)?.record.state == .ready)
        #expect(try await reaper.job(living.id)?.record.state == .leased)
        await worker.close()
        await reaper.close()
        try cluster.stop()
    }

    @Test("a server that takes long to answer a reap may not have answered workers: their leases are left to them")
    func longAnswer() async throws {
        let database = try await TestDatabase()
        let clock = TestClock()
        let store = try await PostgresStore.open(database.url, clock: clock)
        clock.advance(by: OutageWatch.grace)
        #expect(store.outages.latest() == nil)
        await store.outages.measure { clock.advance(by: OutageWatch.longAnswer - .milliseconds(1)) }
        #expect(store.outages.latest() == nil)
        await store.outages.measure { clock.advance(by: OutageWatch.longAnswer) }
        #expect(store.outages.latest() == OutageWatch.Outage(age: 0, rest: OutageWatch.grace))
        await store.close()
        await database.close()
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

    // MARK: - Notifications

    @Test("a worker does not wait for ever for notifications that do not arrive", .timeLimit(.minutes(2)))
    func noNotifications() async throws {
        let port = try LoopbackPort(listens: true)
        var options = PostgresConnections.Options()
        options.listenURL = "postgres://u@127.0.0.1:\(port.number)/d?connect_timeout=3"
        let connections = try await PostgresConnections(PostgresCluster.shared.database(), options: options)
        let announcer = ChangeAnnouncer(connections, logger: Logger(label: "test")) { 0 }
        #expect(await !announcer.hear(within: .milliseconds(10)))
        await announcer.close()
        #expect(await announcer.hear(within: .seconds(600)))
        await connections.close()
    }

    @Test("a notification that could not be sent is sent again", .enabled(if: PostgresCluster.isOwn))
    func sentAgain() async throws {
        let database = try await TestDatabase()
        let proxy = try CuttingProxy(to: #require(PostgresCluster.shared.get().folder))
        let (store, other) = (
            try await PostgresStore.open(proxy.url(database.name)), try await PostgresStore.open(database.url)
        )
        let place = try await other.register(
            WorkerRegistration(name: "w", process: WorkerProcess(name: "w", id: "w"), queues: ["q"], concurrency: 1),
            as: nil)
        let told = Counter()
        let changes = place.revocations.changes()
        let listener = Task { for await _ in changes { told.increment() } }
        let id = try await store.enqueue([NewJob([], in: "q")])[0].id
        _ = try #require(try await store.claim(Self.request()).first)
        // The text of a notification of revoked jobs in the first queue.
        proxy.cut(.beforeTheServer, at: " r1")
        try await store.cancel([id], reason: "r")
        try await eventually("another process has heard of the cancel") { told.value > 0 }
        #expect(proxy.cutCount == 1)
        listener.cancel()
        await store.close()
        await other.close()
        await database.close()
    }
}

@Suite("The mark of revocations of a store on a server")
struct TimedRevocationMarkTests {
    @Test("changes by itself if nothing was told, so that what a worker knows is never older than the limit")
    func limit() {
        let time = Mutex<Int64>(0)
        let mark = TimedRevocationMark { time.withLock { $0 } }
        let limit = TimedRevocationMark.limit.milliseconds
        let first = mark.read()
        time.withLock { $0 = limit - 1 }
        #expect(mark.read() == first)
        time.withLock { $0 = limit }
        let second = mark.read()
        #expect(second != first)
        time.withLock { $0 = 2 * limit - 1 }
        #expect(mark.read() == second)
        // One who reads seldom has the limit from then on.
        time.withLock { $0 = 9 * limit }
        let third = mark.read()
        #expect(third != second)
        time.withLock { $0 = 10 * limit - 1 }
        #expect(mark.read() == third)
    }

    @Test("changes at once when a revocation was told, and never has a value again")
    func told() {
        let time = Mutex<Int64>(0)
        let mark = TimedRevocationMark { time.withLock { $0 } }
        var values = [mark.read()]
        for round in 1...50 {
            if round.isMultiple(of: 3) {
                mark.change()
            } else {
                time.withLock { $0 += TimedRevocationMark.limit.milliseconds }
            }
            values.append(mark.read())
        }
        #expect(Set(values).count == values.count)
    }
}
