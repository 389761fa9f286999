import ArgumentParser
import Foundation

/// One worker process: opens the file, waits for the gun, works until the time is up or nothing is left, reports.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "What stint-bench starts for each worker.", shouldDisplay: false)

    @Argument var assignment: String

    func run() async throws {
        let assignment = try JSONDecoder().decode(Assignment.self, from: Data(assignment.utf8))
        let report = try await Self.workload(assignment).work { try Gun.wait() }
        print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    }

    private static func workload(_ assignment: Assignment) throws -> any Workload {
        switch assignment.design {
        case .stint: StintWorkload(assignment)
        case .stintLife: StintLifeWorkload(assignment)
        case .oneWorker: OneWorker(assignment)
        case .jobInTransaction: JobInTransaction(assignment)
        case .selectThenUpdate: SelectThenUpdate(assignment)
        case .ceiling: CeilingWorkload(assignment, enqueues: false)
        case .ceilingLife: CeilingWorkload(assignment, enqueues: true)
        }
    }
}

/// One design as one worker process runs it.
protocol Workload {
    /// Opens the file, calls `start`, which returns when the gun fires, and works.
    func work(start: () throws -> Gun) async throws -> WorkerReport
}

extension Assignment {
    func deadline(_ gun: Gun) -> Int64 { gun.nanoseconds + Int64(seconds * 1e9) }

    /// The job of the naive designs. It stands for a wait on the network: no CPU, no disk.
    func runJob(_ id: Int64, _ recorder: Recorder) {
        recorder.started(id)
        MonotonicClock.sleep(microseconds: jobMicroseconds)
        recorder.finished(id)
    }
}
