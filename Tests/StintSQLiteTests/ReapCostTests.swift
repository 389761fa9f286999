import Foundation
import GRDB
import StintCore
import StintPlatform
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
