import Foundation
import Stint
import StintCore
import StintWorker

/// A supervisor with its worker processes, on one queue full of jobs.
struct SupervisorRole: Role {
    static let name = RoleName.supervisor

    var database: String
    var durability: SyncMode
    var workers: Int
    var batch: Int
    /// Whether each worker uses the store by itself.
    var isDirect: Bool
    /// From the barrier until it counts.
    var warmUpSeconds = 0.5
    var seconds: Double
    /// Where the workers count: 8 bytes for each.
    var counts: String

    struct Report: Codable {
        let seconds: Double
        /// The jobs of each worker in that time.
        let jobs: [Int64]
        /// CPU time of the supervisor and of its workers.
        let supervisorMicroseconds: Int64
        let workerMicroseconds: Int64
    }

    func play(start: () throws -> StartBarrier) async throws -> Report {
        let queue = try await BenchQueue(at: database, options: SQLiteStore.Options(durability, .gate))
        try await queue.pause(StintWorkload.queue)
        let counters = try Counters(path: counts, count: workers)
        let supervisor = Supervisor(queue, options: try supervisorOptions, logger: .quiet) { queue in
            throw BenchError("this process is no worker")
        }
        let run = Task { try await supervisor.run() }
        var processes: [pid_t] = []
        while processes.count < workers {
            try await Task.sleep(for: .milliseconds(10))
            processes = try await queue.store.workers().map { pid_t($0.registration.name.split(separator: ":").last!)! }
        }
        let barrier = try start()
        try await queue.resume(StintWorkload.queue)
        try await sleep(until: barrier.nanoseconds + Int64(warmUpSeconds * 1e9))
        let before = (counters.values, Self.cpu(of: processes), Self.cpu(of: [getpid()]), MonotonicClock.nanoseconds())
        try await sleep(until: before.3 + Int64(seconds * 1e9))
        let after = (counters.values, Self.cpu(of: processes), Self.cpu(of: [getpid()]), MonotonicClock.nanoseconds())
        run.cancel()
        try await run.value
        return Report(
            seconds: Double(after.3 - before.3) / 1e9, jobs: zip(after.0, before.0).map { $0 - $1 },
            supervisorMicroseconds: after.2 - before.2, workerMicroseconds: after.1 - before.1)
    }

    private var supervisorOptions: SupervisorOptions {
        get throws {
            var options = SupervisorOptions()
            options.workers = workers
            options.sharesWriter = !isDirect
            let role = String(decoding: try JSONEncoder().encode(SupervisedRole(of: self)), as: UTF8.self)
            options.arguments = ["play", SupervisedRole.name.rawValue, role]
            return options
        }
    }

    private static func cpu(of processes: [pid_t]) -> Int64 {
        processes.reduce(0) { $0 + (ProcessTime.microseconds(of: $1) ?? 0) }
    }

    private func sleep(until nanoseconds: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(max(0, nanoseconds - MonotonicClock.nanoseconds())), tolerance: .zero)
    }
}

/// A worker process of a ``SupervisorRole``.
struct SupervisedRole: Role {
    static let name = RoleName.supervised

    let database: String
    let durability: SyncMode
    let batch: Int
    let workers: Int
    let counts: String

    struct Report: Codable {}

    init(of role: SupervisorRole) {
        (database, durability, batch) = (role.database, role.durability, role.batch)
        (workers, counts) = (role.workers, role.counts)
    }

    func play(start: () throws -> StartBarrier) async throws -> Report {
        // "3 2 4711 …": the second word is the number of this worker.
        let offer = ProcessInfo.processInfo.environment["STINT_SUPERVISOR"] ?? ""
        guard let number = offer.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw BenchError("this worker has no supervisor")
        }
        let queue = try await BenchQueue(at: database, options: SQLiteStore.Options(durability, .gate))
        let counters = try Counters(path: counts, count: workers)
        try await Supervisor(queue, logger: .quiet) { [batch] queue in
            var options = StintWorkload.options(batch: batch)
            options.drains = false
            var worker = Worker(queue, queues: [StintWorkload.queue], options: options, logger: .quiet)
            worker.registerOthers { _ in counters.add(at: number - 1) }
            return worker
        }.run()
        return Report()
    }
}

/// A file of numbers that processes share.
///
/// `@unchecked Sendable`: each process writes to one of them, from one task at a time.
final class Counters: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<Int64>
    private let count: Int

    init(path: String, count: Int) throws {
        self.count = count
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        guard file >= 0, ftruncate(file, off_t(count * 8)) == 0,
            let memory = mmap(nil, count * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
        else { throw BenchError("\(path) cannot be mapped") }
        close(file)
        self.memory = memory.assumingMemoryBound(to: Int64.self)
    }

    deinit { munmap(memory, count * 8) }

    func add(at index: Int) { memory[index] += 1 }
    var values: [Int64] { (0..<count).map { memory[$0] } }
}
