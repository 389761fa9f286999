import Foundation
import GRDB
import Logging
import Stint
import StintCore
import StintPlatform
import TestSupport
import Testing

@testable import StintWorker

@Suite("The store of a supervised worker")
final class SupervisedStoreTests {
    private let folder: TemporaryFolder
    private let own: SQLiteStore
    private let supervisors: SQLiteStore
    private static let claim = ClaimRequest(queues: ["q"], limit: 2, lease: .seconds(30), worker: "test:1")

    init() throws {
        folder = try TemporaryFolder()
        own = try SQLiteStore(path: folder.database)
        supervisors = try SQLiteStore(path: folder.database)
    }

    private func enqueue(_ count: Int) async throws {
        _ = try await own.enqueue((1...count).map { try NewJob(Array("\($0)".utf8), in: "q") })
    }

    private func counts() async throws -> QueueStats { try #require(try await own.stats().first { $0.name == "q" }) }

    private func frame(_ request: StoreRequest) -> [UInt8] { StoreFrame.encode(1) { request.encode(into: &$0) } }

    @Test(
        "a worker that dies within a message has not sent it; what it had sent is settled, and nothing is claimed for it"
    )
    func deathWithinMessage() async throws {
        try await own.configure("q", QueueSettings(retention: .seconds(3_600)))
        let whole = frame(.exchange([], Self.claim))
        for cut in stride(from: 0, through: whole.count, by: 5) + [whole.count] {
            try await enqueue(4)
            let job = try #require(try await own.claim(Self.claim).first)
            let (channel, workerEnd) = try WorkerChannel.pair()
            let session = StoreServer(supervisors).session(to: channel)
            #expect(LocalSocket.send(frame(.exchange([Settlement(job.lease, .ack)], Self.claim)), to: workerEnd) > 0)
            _ = LocalSocket.send(Array(whole.prefix(cut)), to: workerEnd)
            closeAll([workerEnd])
            // The kernel has told of its end before its last messages are read.
            session.workerHasEnded()
            channel.listen { if case .frame(let frame) = $0 { try session.receive(frame) } }
            await channel.finish()
            await session.settled()
            let after = try await counts()
            #expect(try await own.job(job.id)?.record.state == .done, "cut at \(cut)")
            #expect(after.leased == 1 && after.ready == 2, "cut at \(cut): only the other job of the claim is leased")
            let rest = try await leased() + own.claim(Self.claim).map(\.lease)
            for lease in rest { _ = try await own.settle(Settlement(lease, .ack)) }
        }
    }

    private func leased() async throws -> [Lease] {
        try await DatabaseQueue(path: folder.database).read { database in
            try Row.fetchAll(database, sql: "SELECT job_id, token FROM stint_leased").map {
                Lease(job: JobID(rawValue: $0[0]), token: FencingToken(rawValue: $0[1]))
            }
        }
    }

    @Test(
        "a supervisor that is silent: the worker goes on by itself, what came too late is given back, and then all goes through it again"
    )
    func silence() async throws {
        try await enqueue(4)
        let pair = try SupervisedPair(own, through: supervisors, isReading: false, patience: .milliseconds(200))
        var wakeUps = pair.store.wakeUps(in: ["q"]).makeAsyncIterator()
        let error = await #expect(throws: StintError.self) { try await pair.store.exchange([], for: Self.claim) }
        #expect(error?.code == .outcomeUnknown)
        #expect(!pair.calls.isOpen && pair.store.safetyLookInterval == nil)
        #expect(await wakeUps.next() == .now, "its worker looks by itself")
        let mine = try await pair.store.claim(Self.claim)
        #expect(mine.count == 2)
        pair.read()
        // The late claim takes the two others, and they come back.
        try await eventually("the supervisor is heard again") { pair.calls.isOpen }
        try await eventually("what was claimed too late is ready again") { try await counts().ready == 2 }
        _ = try await pair.store.exchange(mine.map { Settlement($0.lease, .ack) }, for: nil)
        let rest = try await pair.store.claim(Self.claim)
        #expect(rest.map(\.attempt) == [1, 1])
        await pair.end()
    }

    @Test("a supervisor that dies: a request in progress has an unknown outcome, and the worker goes on by itself")
    func death() async throws {
        try await enqueue(2)
        let pair = try SupervisedPair(own, through: supervisors, isReading: false)
        let (store, claim) = (pair.store, Self.claim)
        let pending = Task<Exchange, any Error> { try await store.exchange([], for: claim) }
        try await eventually("the request is sent") { pair.calls.count == 1 }
        // As the kernel does when its process ends.
        pair.channel.close()
        let result = await pending.result
        let error = #expect(throws: StintError.self) { try result.get() }
        #expect(error?.code == .outcomeUnknown)
        #expect(try await pair.store.claim(Self.claim).count == 2)
    }

    @Test("what enqueues jobs is settled by the worker itself, and the rest of the visit with it")
    func followUps() async throws {
        try await enqueue(2)
        let pair = try SupervisedPair(own, through: supervisors)
        let jobs = try await pair.store.claim(Self.claim)
        let settlements = [
            Settlement(jobs[0].lease, .ack, followUps: [try NewJob(Array("next".utf8), in: "q")]),
            Settlement(jobs[1].lease, .ack),
        ]
        let exchange = try await pair.store.exchange(settlements, for: Self.claim)
        #expect(exchange.answers == [.settled(.done), .settled(.done)])
        #expect(exchange.jobs.map(\.payload) == [Array("next".utf8)])
        await pair.end()
    }

    @Test("an extension that a silent supervisor does not answer is made by the worker")
    func silentExtension() async throws {
        try await enqueue(1)
        let job = try #require(try await own.claim(Self.claim).first)
        let pair = try SupervisedPair(own, through: supervisors, isReading: false, patience: .milliseconds(200))
        #expect(try await pair.store.extend([job.lease], by: .seconds(60)) == [])
        #expect(!pair.calls.isOpen)
    }

    @Test("a worker of a newer schema than its supervisor's does not go through it, and would do all by itself")
    func newerSchema() async throws {
        try await enqueue(2)
        var options = SQLiteStore.Options()
        let sql = "CREATE TABLE stint_tomorrow (id INTEGER) STRICT;"
        options.migrations.append(Migration(options.migrations.count + 1, "of_tomorrow", Array(sql.utf8)))
        let newer = try SQLiteStore(path: folder.database, options: options)
        #expect(SupervisorOffer.text(of: newer) != SupervisorOffer.text(of: supervisors))
        #expect(SupervisorOffer.text(of: own) == SupervisorOffer.text(of: supervisors))
        let pair = try SupervisedPair(newer, through: supervisors)
        #expect(try await pair.store.claim(Self.claim).count == 2)
        await pair.end()
    }

    @Test("a hundred handlers that settle at the same moment: what the supervisor does not take, the worker does")
    func manyAtOnce() async throws {
        try await enqueue(100)
        let jobs = try await own.claim(
            ClaimRequest(queues: ["q"], limit: 100, lease: .seconds(30), worker: "test:1"))
        let pair = try SupervisedPair(own, through: supervisors)
        let store = pair.store
        try await withThrowingTaskGroup(of: Exchange.self) { group in
            for job in jobs {
                let ack = Settlement(job.lease, .ack)
                group.addTask { try await store.exchange([ack], for: nil) }
            }
            for try await exchange in group { #expect(exchange.answers == [.settled(.done)]) }
        }
        #expect(pair.calls.isOpen)
        await pair.end()
    }

    @Test("a worker hears of jobs of other processes by its supervisor")
    func wakeUps() async throws {
        let pair = try SupervisedPair(own, through: supervisors)
        var wakeUps = pair.store.wakeUps(in: ["q"]).makeAsyncIterator()
        let other = try SQLiteStore(path: folder.database)
        try await eventually("the supervisor listens") { supervisors.safetyLookInterval != nil }
        _ = try await other.enqueue([try NewJob([], in: "q")])
        while let next = await wakeUps.next(), next != .now { continue }
        await pair.end()
    }

    @Test("more requests at once than a worker has are no worker's")
    func tooManyRequests() async throws {
        try await enqueue(1)
        let (channel, workerEnd) = try WorkerChannel.pair()
        let session = StoreServer(supervisors).session(to: channel)
        let isMalformed = Promise<Bool>()
        channel.listen { message in
            switch message {
            case .frame(let frame): try session.receive(frame)
            case .malformed: isMalformed.set(true)
            case .line: break
            case .end: isMalformed.set(false)
            }
        }
        // Nothing can be written meanwhile, so no request ends.
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let blocker = try DatabaseQueue(path: folder.database, configuration: configuration)
        try await blocker.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        for _ in 0...StoreSession.maximumRequests {
            #expect(LocalSocket.send(frame(.exchange([], Self.claim)), to: workerEnd) > 0)
        }
        #expect(await isMalformed.value())
        try await blocker.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        session.workerHasEnded()
        await session.settled()
        closeAll([workerEnd])
        await channel.finish()
    }

    @Test(
        "a worker says in its registration and its log that its supervisor writes for it; one without any, only to a debugger"
    )
    func registration() async throws {
        let pair = try SupervisedPair(own, through: supervisors)
        let said = Log<String>()
        for isSupervised in [true, false] {
            try await enqueue(1)
            var options = Worker.Options()
            options.drains = true
            var logger = Logger(label: "test") { _ in LineLog(lines: said) }
            logger.logLevel = .debug
            var worker = Worker(JobQueue(store: own), queues: ["q"], options: options, logger: logger)
            if isSupervised { worker.store = pair.store }
            worker.registerOthers { [own] _ in
                let workers = try await own.workers()
                said.append("registered: \(workers.map(\.registration.writesThroughSupervisor))")
            }
            try await worker.run()
        }
        #expect(
            said.all.filter { $0.hasPrefix("registered") || $0.contains("claims and settles") } == [
                "info: the worker claims and settles through its supervisor", "registered: [true]",
                "debug: the worker claims and settles by itself", "registered: [false]",
            ])
        await pair.end()
    }
}
