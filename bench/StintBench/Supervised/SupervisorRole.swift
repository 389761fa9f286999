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
    /// How many jobs each worker runs at the same time.
    var concurrency = 1
    /// Whether each worker uses the store by itself.
    var isDirect: Bool
    /// From the barrier until it counts.
    var warmUpSeconds = 0.5
    var seconds: Double
    /// It ends as soon as this many jobs have run; `nil`: only the time ends it.
    var jobLimit: Int64?
    /// Where the workers count: 8 bytes for each.
    var counts: String

    struct Report: Codable {
        let seconds: Double
        /// The jobs of each worker in that time.
        let jobs: [Int64]
        /// All jobs of each worker since the barrier.
        let each: [Int64]
        let done: Int64
        /// With a ``jobLimit``: nanoseconds from the barrier until nothing was leased any more.
        let finished: Int64?
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
        let before = Reading(counters, processes)
        try await waitForEnd(counters, until: before.nanoseconds + Int64(seconds * 1e9))
        let after = Reading(counters, processes)
        if jobLimit != nil { try await settleAll(queue) }
        let finished = MonotonicClock.nanoseconds() - barrier.nanoseconds
        let each = counters.values
        run.cancel()
        try await run.value
        return Report(
            seconds: Double(after.nanoseconds - before.nanoseconds) / 1e9,
            jobs: zip(after.jobs, before.jobs).map { $0 - $1 }, each: each, done: each.reduce(0, +),
            finished: jobLimit == nil ? nil : finished,
            supervisorMicroseconds: after.supervisorMicroseconds - before.supervisorMicroseconds,
            workerMicroseconds: after.workerMicroseconds - before.workerMicroseconds)
    }

    /// What was done until a moment.
    private struct Reading {
        let nanoseconds = MonotonicClock.nanoseconds()
        let jobs: [Int64]
        let supervisorMicroseconds = ProcessTime.microseconds(of: getpid()) ?? 0
        let workerMicroseconds: Int64

        init(_ counters: Counters, _ workers: [pid_t]) {
            jobs = counters.values
            workerMicroseconds = workers.reduce(0) { $0 + (ProcessTime.microseconds(of: $1) ?? 0) }
        }
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

    /// Has the workers give back what they have not started. They acknowledge their last jobs when no more come.
    private func settleAll(_ queue: BenchQueue) async throws {
        try await queue.pause(StintWorkload.queue)
        for _ in 0..<2_000 {
            let stats = try await queue.store.stats().first { $0.name == StintWorkload.queue }
            if stats?.leased == 0 { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw BenchError("10 s after the end jobs are still leased")
    }

    private func waitForEnd(_ counters: Counters, until end: Int64) async throws {
        guard let jobLimit else { return try await sleep(until: end) }
        while counters.values.reduce(0, +) < jobLimit, MonotonicClock.nanoseconds() < end {
            try await Task.sleep(for: .milliseconds(1), tolerance: .zero)
        }
    }

    private func sleep(until nanoseconds: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(max(0, nanoseconds - MonotonicClock.nanoseconds())), tolerance: .zero)
    }
}
