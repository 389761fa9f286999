import Foundation
import Stint
import StintCore
import StintWorker

/// A worker process of a ``SupervisorRole``.
struct SupervisedRole: Role {
    static let name = RoleName.supervised

    let database: String
    let durability: SyncMode
    let batch: Int
    let concurrency: Int
    let workers: Int
    let counts: String

    struct Report: Codable {}

    init(of role: SupervisorRole) {
        (database, durability, batch) = (role.database, role.durability, role.batch)
        (concurrency, workers, counts) = (role.concurrency, role.workers, role.counts)
    }

    func play(start: () throws -> StartBarrier) async throws -> Report {
        // "3 2 4711 …": the second word is the number of this worker.
        let offer = ProcessInfo.processInfo.environment["STINT_SUPERVISOR"] ?? ""
        guard let number = offer.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw BenchError("this worker has no supervisor")
        }
        let queue = try await BenchQueue(at: database, options: SQLiteStore.Options(durability, .gate))
        let counters = try Counters(path: counts, count: workers)
        try await Supervisor(queue, logger: .quiet) { [batch, concurrency] queue in
            var options = StintWorkload.options(batch: batch)
            options.concurrency = concurrency
            options.drains = false
            var worker = Worker(queue, queues: [StintWorkload.queue], options: options, logger: .quiet)
            worker.registerOthers { _ in counters.add(at: number - 1) }
            return worker
        }.run()
        return Report()
    }
}
