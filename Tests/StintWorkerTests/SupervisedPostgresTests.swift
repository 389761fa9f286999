import Foundation
import PostgresSupport
import StintCore
import StintPlatform
import StintRunFiles
import StoreConformance
import TestSupport
import Testing

@testable import StintPostgres
@testable import StintWorker

@Suite("The store of a supervised worker on PostgreSQL passes every scenario, through a socket")
struct SupervisedPostgresConformanceTests {
    /// The server's connections are not endless.
    private static let limit = ConcurrencyLimit(4)

    @Test(arguments: Scenario.all(.provesDeaths))
    func scenario(_ scenario: Scenario) async throws { try await Self.limit.run { try await run(scenario) } }

    private func run(_ scenario: Scenario) async throws {
        let clock = TestClock()
        let folder = try TemporaryFolder(inMemory: true)
        let url = try await PostgresCluster.shared.database()
        let own = try await PostgresStore.open(url, options: .init(runFolder: folder.path), clock: clock)
        let supervisors = try await PostgresStore.open(url, options: .init(runFolder: folder.path), clock: clock)
        let pair = try SupervisedPair(own, through: supervisors)
        let stage = Stage(pair.store, clock: clock) { worker in
            own.scoreboards.remove([worker])
        } death: { worker in
            own.scoreboards.abandon(worker)
        } supervisorDeath: { sign in
            (sign as? SupervisorFile)?.abandon()
        }
        let result = await Task { try await scenario.run(stage) }.result
        #expect(pair.calls.isOpen)
        await pair.end()
        await own.close()
        await supervisors.close()
        try result.get()
    }
}

@Suite("The store of a supervised worker on PostgreSQL")
struct SupervisedPostgresTests {
    /// A worker's own store and its supervisor's, and a third one of another process.
    private struct Stores {
        let url: String
        let own: PostgresStore
        let supervisors: PostgresStore
        let others: PostgresStore

        init(supervisorsURL: (String) throws -> String = { $0 }) async throws {
            url = try await PostgresCluster.shared.database()
            own = try await PostgresStore.open(url + "?application_name=worker")
            supervisors = try await PostgresStore.open(supervisorsURL(url))
            others = try await PostgresStore.open(url)
        }

        func enqueue(_ payloads: [[UInt8]]) async throws {
            for payload in payloads { _ = try await others.enqueue([try NewJob(payload, in: "q")]) }
        }

        /// How many connections the worker has.
        func ownConnections() async throws -> Int64 {
            try await others.connections.run(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'worker'
                """)[0].int(0)
        }

        func close() async {
            for store in [own, supervisors, others] { await store.close() }
        }
    }

    private static func claim(
        _ limit: Int = 2, as worker: String = "test:1", _ registration: WorkerID? = nil
    ) -> ClaimRequest {
        ClaimRequest(queues: ["q"], limit: limit, lease: .seconds(30), worker: worker, registration: registration)
    }

    private static let registration = WorkerRegistration(
        name: "test:1", process: WorkerProcess(ProcessIdentity(ofProcess: getpid())), queues: ["q"], concurrency: 2)

    private static func ready(_ store: PostgresStore) async throws -> Int? {
        try await store.stats().first { $0.name == "q" }?.ready
    }

    @Test("a worker that goes through its supervisor needs no connection, and hears of revoked jobs all the same")
    func noConnection() async throws {
        let stores = try await Stores()
        let pair = try SupervisedPair(stores.own, through: stores.supervisors)
        // What it needed to open its store.
        stores.own.connections.closeIdle(after: .milliseconds(50))
        try await eventually("its connections are closed") { try await stores.ownConnections() == 0 }
        let place = try await pair.store.register(Self.registration, as: nil)
        try await stores.enqueue([[1], [2], [3]])
        let jobs = try await pair.store.claim(Self.claim(2, place.id))
        #expect(jobs.map(\.payload) == [[1], [2]])
        #expect(try await pair.store.extend(jobs.map(\.lease), by: .seconds(40)).isEmpty)
        #expect(try await pair.store.nextReady(in: ["q"], passingOverSuspects: false) == .now)
        #expect(try await pair.store.order(of: place.id) == nil)
        var revocations = place.revocations.changes().makeAsyncIterator()
        try await stores.others.cancel([jobs[0].id], reason: "a test")
        _ = await revocations.next()
        #expect(try await pair.store.leases(heldBy: place.id).map(\.lease) == [jobs[1].lease])
        try await stores.others.order(.quiet, to: place.id)
        #expect(try await pair.store.order(of: place.id) == .quiet)
        #expect(try await pair.store.settle(Settlement(jobs[1].lease, .ack)) == .done)
        #expect(try await stores.others.workers().map(\.liveness) == [.alive])
        #expect(try await stores.ownConnections() == 0)
        try await pair.store.deregister(place.id)
        #expect(try await stores.others.workers().isEmpty)
        #expect(try await stores.ownConnections() == 0)

        // What it does by itself opens one again, which counts as another one.
        let reconnects = stores.own.connections.reconnects
        #expect(try await pair.store.stats().map(\.ready) == [1])
        #expect(stores.own.connections.reconnects == reconnects + 1)
        await pair.end()
        await stores.close()
    }

    @Test(
        "a connection of the supervisor that breaks: the worker whose call it was gets the unknown outcome, and finds its job",
        .enabled(if: PostgresCluster.isOwn))
    func lostConnection() async throws {
        let proxy = try CuttingProxy(to: #require(PostgresCluster.shared.get().folder))
        let stores = try await Stores { url in proxy.url(String(url.split(separator: "/").last ?? "")) }
        try await stores.enqueue([[0], [1], [2]])
        // From now on the supervisor claims in one transaction with one message.
        #expect(try await stores.supervisors.claim(Self.claim(1)).count == 1)
        let server = StoreServer(stores.supervisors)
        let (first, second) = (
            try SupervisedPair(stores.own, through: server), try SupervisedPair(stores.own, through: server)
        )
        let place = try await first.store.register(Self.registration, as: nil)
        proxy.cut(.beforeTheAnswer, at: "cut:1")
        let error = await #expect(throws: StintError.self) {
            try await first.store.exchange([], for: Self.claim(1, as: "cut:1", place.id))
        }
        #expect(error?.code == .outcomeUnknown)
        #expect(proxy.cutCount == 1)
        #expect(try await first.store.leases(heldBy: place.id).count == 1)
        #expect(try await second.store.claim(Self.claim(as: "test:2")).map(\.payload) == [[2]])
        #expect(first.calls.isOpen && second.calls.isOpen)
        await first.end()
        await second.end()
        await stores.close()
    }

    @Test("a supervisor that is silent: the worker goes on by itself, and jobs that came too late are given back")
    func silence() async throws {
        let stores = try await Stores()
        try await stores.enqueue([[1], [2], [3], [4]])
        let pair = try SupervisedPair(
            stores.own, through: stores.supervisors, isReading: false, patience: .milliseconds(200))
        let error = await #expect(throws: StintError.self) { try await pair.store.exchange([], for: Self.claim()) }
        #expect(error?.code == .outcomeUnknown)
        // A look is made by the worker itself.
        #expect(try await pair.store.nextReady(in: ["q"], passingOverSuspects: false) == .now)
        let mine = try await pair.store.claim(Self.claim())
        #expect(mine.count == 2)
        pair.read()
        try await eventually("the supervisor is heard again") { pair.calls.isOpen }
        try await eventually("the late reply has come") { pair.lateJobs == 2 }
        try await eventually("what was claimed too late is ready again") { try await Self.ready(stores.others) == 2 }
        #expect(try await pair.store.claim(Self.claim()).map(\.attempt) == [1, 1])
        await pair.end()
        await stores.close()
    }

    @Test("a look that the supervisor does not answer is made by the worker itself")
    func silentLook() async throws {
        let stores = try await Stores()
        try await stores.enqueue([[1]])
        let pair = try SupervisedPair(
            stores.own, through: stores.supervisors, isReading: false, patience: .milliseconds(200))
        #expect(try await pair.store.nextReady(in: ["q"], passingOverSuspects: false) == .now)
        #expect(!pair.calls.isOpen)
        await pair.end()
        await stores.close()
    }

    @Test("a reply has few large jobs, and the largest one alone; the worker is told to ask again")
    func largeJobs() async throws {
        let stores = try await Stores()
        let large = (0..<3).map { [UInt8](repeating: $0, count: 5 * 1_024 * 1_024) }
        let largest = [UInt8](repeating: 9, count: NewJob.maximumPayloadBytes)
        try await stores.enqueue(large + [largest])
        let pair = try SupervisedPair(stores.own, through: stores.supervisors)
        for expected in large + [largest] {
            let exchange = try await pair.store.exchange([], for: Self.claim(10))
            #expect(exchange.jobs.count == 1 && exchange.jobs.first?.payload == expected)
            #expect(exchange.isCut == (expected != largest))
        }
        await pair.end()
        await stores.close()
    }

    @Test("a worker that does not read its jobs gets no more of them; what it settles is settled")
    func unreadJobs() async throws {
        let stores = try await Stores()
        try await stores.enqueue([[1], [2]])
        let job = try #require(try await stores.own.claim(Self.claim(1)).first)
        let replies = Promise<StoreReply>()
        let session = StoreServer(stores.supervisors).session(
            unsentBytes: { StoreSession.replyBudget.bytes },
            send: {
                frame in
                let reply = try? frame.dropFirst(StoreFrame.headerBytes).withUnsafeBytes {
                    try StoreFrame.decode($0) { try StoreReply(from: &$0) }.message
                }
                if let reply { replies.set(reply) }
            })
        let request = StoreFrame.encode(1) {
            StoreRequest.exchange([Settlement(job.lease, .ack)], Self.claim()).encode(into: &$0)
        }
        try request.dropFirst(StoreFrame.headerBytes).withUnsafeBytes { try session.receive($0) }
        guard case .leased(let exchange) = await replies.value() else {
            Issue.record("another reply")
            return
        }
        #expect(exchange.answers == [.settled(.done)] && exchange.jobs.isEmpty && exchange.isCut)
        await session.settled()
        await stores.close()
    }
}
