import Foundation
import Stint
import StintCore
import StintPlatform

/// An idle worker process, and what that cost.
struct IdleRole: Role {
    static let name = RoleName.idler

    let database: String
    /// The time from the barrier until it counts.
    let settleSeconds: Double
    let seconds: Double

    struct Report: Codable {
        let cpuMicroseconds: Int64
        /// How often this process went from sleeping to running.
        let wakeUps: Int
    }

    func play(start: () throws -> StartBarrier) async throws -> Report {
        var worker = Worker(
            try await BenchQueue(at: database), queues: [StintWorkload.queue], logger: .quiet)
        worker.registerOthers { _ in throw BenchError("an idle worker got a job") }
        let work = Task { [worker] in try await worker.run() }
        let barrier = try start()
        try await sleep(until: barrier.nanoseconds + Int64(settleSeconds * 1e9))
        let before = Self.usage()
        try await sleep(until: barrier.nanoseconds + Int64((settleSeconds + seconds) * 1e9))
        let after = Self.usage()
        await StartBarrier.waitForEnd()
        work.cancel()
        try await work.value
        return Report(
            cpuMicroseconds: after.cpuMicroseconds - before.cpuMicroseconds,
            wakeUps: after.wakeUps - before.wakeUps)
    }

    private func sleep(until nanoseconds: Int64) async throws {
        try await Task.sleep(for: .nanoseconds(max(0, nanoseconds - MonotonicClock.nanoseconds())))
    }

    private static func usage() -> Report {
        Report(
            cpuMicroseconds: ProcessTime.microseconds(of: getpid()) ?? 0, wakeUps: Int(rusage.ofThisProcess.ru_nvcsw))
    }
}
