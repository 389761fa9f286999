import Foundation
import StintCore
import StintPlatform
import Synchronization
import TestSupport
import Testing

@testable import StintSQLite
@testable import StintWorker

@Suite("How many commits a supervised worker waits for")
final class CommitWaitTests {
    private let folder: TemporaryFolder
    private let supervisors: SQLiteStore
    private let server: StoreServer

    init() throws {
        folder = try TemporaryFolder()
        // Without a sync, during which others could commit: what is counted is what an ack waits for.
        supervisors = try SQLiteStore(path: folder.database, options: SQLiteStore.Options(durability: .normal))
        server = StoreServer(supervisors)
    }

    private func worker() throws -> SupervisedPair {
        try SupervisedPair(try SQLiteStore(path: folder.database), through: server)
    }

    private static func claim(_ queue: QueueName, _ limit: Int) -> ClaimRequest {
        ClaimRequest(queues: [queue], limit: limit, lease: .seconds(60), worker: "test:1")
    }

    /// The number of commits so far, by all connections: `iChange` in the shared memory's header
    /// (https://sqlite.org/walformat.html, section 2.1).
    private func commits() throws -> UInt32 {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.database + "-shm"))
        defer { try? file.close() }
        try file.seek(toOffset: 8)
        return try #require(try file.read(upToCount: 4)).withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
    }

    @Test(
        "beside a worker with long batches of large payloads, acks wait for the commit that is under way and their own",
        .timeLimit(.minutes(2)))
    func longBatches() async throws {
        let payload = [UInt8](repeating: 0x78, count: 4_000)
        _ = try await supervisors.enqueue((1...2_000).map { _ in try NewJob(payload, in: "large") })
        _ = try await supervisors.enqueue((1...300).map { try NewJob(Array("\($0)".utf8), in: "small") })
        let (heavy, light) = (try worker(), try worker())
        let longCalls = Calls()
        let waits = try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var held: [Settlement] = []
                    while !Task.isCancelled {
                        let exchange = try await heavy.store.exchange(held, for: Self.claim("large", 500))
                        held = exchange.jobs.map { Settlement($0.lease, .release(after: .zero)) }
                        longCalls.count.add(1, ordering: .relaxed)
                    }
                }
            }
            try await eventually("the long batches are under way") { longCalls.count.load(ordering: .relaxed) >= 3 }
            var waits: [UInt32] = []
            for _ in 0..<300 {
                let job = try #require(try await light.store.claim(Self.claim("small", 1)).first)
                let before = try commits()
                _ = try await light.store.settle(Settlement(job.lease, .ack))
                waits.append(try commits() &- before)
            }
            group.cancelAll()
            return waits
        }
        // The commit under way and its own. Further ones may follow before the answer is here, so not all are looked at.
        #expect(waits.sorted()[waits.count / 2] <= 2, "\(waits)")
        #expect(longCalls.count.load(ordering: .relaxed) > 10, "the long batches went on all the while")
    }
}

private final class Calls: Sendable {
    let count = Atomic(0)
}
