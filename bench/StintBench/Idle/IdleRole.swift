import Foundation
import Stint

/// An idle worker process, or a supervisor with several, and what that cost.
struct IdleRole: Role {
    static let name = RoleName.idler

    let database: String
    /// The time from the barrier until it counts.
    let settleSeconds: Double
    let seconds: Double
    /// How many worker processes a supervisor in this one has; 0: this one is the worker.
    let supervisedWorkers: Int

    struct Report: Codable {
        /// The CPU time of this process, and then of each of its workers.
        let cpuMicroseconds: [Int64]
        /// How often this process went from sleeping to running.
        let wakeUps: Int
    }

    func play(start: () throws -> StartBarrier) async throws -> Report {
        let queue = try await JobQueue(.sqlite(database))
        let supervisor = Supervisor(queue, workers: max(1, supervisedWorkers), logger: .quiet) { Self.worker($0) }
        // In a worker process of the supervisor this does not return.
        if Worker.isSupervised { try await supervisor.run() }
        let work = Task {
            if supervisedWorkers > 0 { try await supervisor.run() } else { try await Self.worker(queue).run() }
        }
        let barrier = try start()
        try await sleep(until: barrier.nanoseconds + Int64(settleSeconds * 1e9))
        let processes = try await processes(queue)
        let before = Self.usage(of: processes)
        try await sleep(until: barrier.nanoseconds + Int64((settleSeconds + seconds) * 1e9))
        let after = Self.usage(of: processes)
        await StartBarrier.waitForEnd()
        work.cancel()
        try await work.value
        return Report(
            cpuMicroseconds: zip(after.cpuMicroseconds, before.cpuMicroseconds).map { $0 - $1 },
            wakeUps: after.wakeUps - before.wakeUps)
    }

    private static func worker(_ queue: JobQueue<SQLiteStore>) -> Worker {
        var worker = Worker(queue, queues: [StintWorkload.queue], logger: .quiet)
        worker.registerOthers { _ in throw BenchError("an idle worker got a job") }
        return worker
    }

    /// This process, and its workers.
    private func processes(_ queue: JobQueue<SQLiteStore>) async throws -> [pid_t] {
        guard supervisedWorkers > 0 else { return [getpid()] }
        let workers = try await queue.store.workers().map { $0.registration.process.processID }
        guard workers.count == supervisedWorkers else {
            throw BenchError("\(workers.count) of \(supervisedWorkers) workers are ready; raise --settle")
        }
        return [getpid()] + workers
    }

    private func sleep(until nanoseconds: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(max(0, nanoseconds - MonotonicClock.nanoseconds())))
    }

    private static func usage(of processes: [pid_t]) -> Report {
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
        #else
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #endif
        return Report(cpuMicroseconds: processes.map(cpuMicroseconds), wakeUps: Int(usage.ru_nvcsw))
    }

    private static func cpuMicroseconds(of process: pid_t) -> Int64 {
        var time = timespec()
        #if canImport(Darwin)
            // Other processes' clocks cannot be read there.
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        #else
            var clock = CLOCK_PROCESS_CPUTIME_ID
            if process != getpid() { clock_getcpuclockid(process, &clock) }
            clock_gettime(clock, &time)
        #endif
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
    }
}
