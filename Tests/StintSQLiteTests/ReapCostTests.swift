import Foundation
import GRDB
import StintCore
import StintPlatform
import StintTesting
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite

@Suite("A reap stays cheap")
struct ReapCostTests {
    @Test("leased jobs that no lease holds are looked for when a process begins, and then once a minute")
    func unheld() async throws {
        let folder = try TemporaryFolder()
        let clock = TestClock()
        var options = SQLiteStore.Options()
        options.clock = clock
        let queue = try await JobQueue(.sqlite(folder.database, options: options))
        try await queue.enqueue(payload: [1], in: "q")
        let other = try DatabaseQueue(path: folder.database)
        for (wait, requeued) in [(0, 1), (59_000, 0), (1_000, 1), (59_999, 0)] {
            clock.advance(by: .milliseconds(wait))
            if try await queue.store.stats().first?.ready == 1 {
                _ = try await queue.claim()
                try await other.write { try $0.execute(sql: "DELETE FROM stint_leases") }
            }
            #expect(try await queue.store.reap() == ReapReport(requeued: requeued), "after \(wait) ms")
        }
    }

    /// - Returns: How often a reaper was told to look before the change; afterwards it was told at least once.
    private func signals(
        _ queue: JobQueue<SQLiteStore>, until change: () async throws -> Void
    ) async throws -> Int {
        let stream = queue.store.reapSignals(every: .milliseconds(5))
        let count = Mutex(0)
        let counting = Task { for await _ in stream { count.withLock { $0 += 1 } } }
        let end = ContinuousClock.now + .milliseconds(200)
        try await eventually("200 ms are over") { ContinuousClock.now >= end }
        let before = count.withLock(\.self)
        try await change()
        try await eventually("it is told") { count.withLock(\.self) > before }
        counting.cancel()
        await counting.value
        return before
    }

    @Test("a reaper is not woken while there is nothing to do, and is when a lease has ended or a worker has died")
    func reapSignals() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let place = try await queue.store.register(
            WorkerRegistration(name: "test:1", process: .current, queues: ["q"], concurrency: 4), as: nil)
        try await queue.enqueue(payload: [1], in: "q")
        let ended = try await signals(queue) { _ = try await queue.claim(lease: .milliseconds(10)) }
        #expect(ended == 0)
        #expect(try await queue.reap().requeued == 1)
        let died = try await signals(queue) { queue.store.abandon(place.id) }
        #expect(died == 0)
    }

    @Test("a supervisor is not woken while there is no new request to restart")
    func restartSignals() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let stream = queue.store.restartSignals(every: .milliseconds(5))
        let count = Mutex(0)
        let counting = Task { for await _ in stream { count.withLock { $0 += 1 } } }
        for requests in 1...2 {
            // The first look knows of no request yet.
            try await eventually("request \(requests - 1)") { count.withLock(\.self) == requests }
            let end = ContinuousClock.now + .milliseconds(100)
            try await eventually("100 ms are over") { ContinuousClock.now >= end }
            #expect(count.withLock(\.self) == requests)
            try await queue.store.requestRestart()
        }
        await queue.close()
        await counting.value
    }

    @Test("a worker's file is read once, however many of its leases have run out")
    func files() async throws {
        let folder = try TemporaryFolder()
        let queue = try await JobQueue(.sqlite(folder.database))
        let place = try await queue.store.register(
            WorkerRegistration(name: "test:1", process: .current, queues: ["q"], concurrency: 4), as: nil)
        let started = Lease(job: JobID(rawValue: 1), token: FencingToken(rawValue: 1))
        place.scoreboard.note(ended: nil, started: started)
        let path = folder.database
        try await queue.store.read { transaction in
            let workers = WorkersOfReap(
                try transaction.registrations(), Scoreboards(beside: path, clock: SystemClock()))
            #expect(workers.worker(place.id)?.started?.map(\.lease) == [started])
            unlink("\(path)-worker-\(place.id)")
            #expect(workers.worker(place.id)?.started?.map(\.lease) == [started], "it was read again")
        }
    }
}
