import Foundation
import Subprocess

/// Starts worker processes, lets them go at the same instant, and collects what they report.
struct Fleet {
    /// This program: a worker is the same file again.
    let executable: String

    init() throws {
        guard let path = Bundle.main.executablePath else {
            throw BenchError("the system does not say where this program is, so it cannot start its workers")
        }
        executable = path
    }

    func run(_ assignment: Assignment, workers: Int) async throws -> [WorkerReport] {
        let text = String(decoding: try JSONEncoder().encode(assignment), as: UTF8.self)
        let line = StartingLine(workers: workers)
        return try await withThrowingTaskGroup(of: WorkerReport.self) { group in
            for _ in 0..<workers { group.addTask { try await worker(text, line) } }
            var reports: [WorkerReport] = []
            for try await report in group { reports.append(report) }
            return reports
        }
    }

    private func worker(_ assignment: String, _ line: StartingLine) async throws -> WorkerReport {
        let result = try await Subprocess.run(
            .path(.init(executable)), arguments: ["worker", assignment], input: .inputWriter, output: .sequence,
            error: .currentStandardError
        ) { execution in
            do {
                var lines = execution.standardOutput.strings(bufferingPolicy: .unbounded).makeAsyncIterator()
                guard try await lines.next()?.trimmed == "ready" else {
                    throw BenchError("a worker ended before it was ready; its standard error says why")
                }
                let gun = try await line.ready()
                _ = try await execution.standardInputWriter.write("\(gun.nanoseconds)\n")
                try await execution.standardInputWriter.finish()
                guard let report = try await lines.next() else {
                    throw BenchError("a worker ended without a report; its standard error says why")
                }
                return try JSONDecoder().decode(WorkerReport.self, from: Data(report.utf8))
            } catch {
                await line.fail(error)
                throw error
            }
        }
        guard result.terminationStatus.isSuccess else {
            throw BenchError("a worker ended with \(result.terminationStatus) after its report")
        }
        return result.closureResult
    }
}

/// Holds the workers back until all are ready.
private actor StartingLine {
    private let workers: Int
    private var waiting: [CheckedContinuation<Gun, any Error>] = []
    private var failure: (any Error)?

    init(workers: Int) {
        self.workers = workers
    }

    func ready() async throws -> Gun {
        try await withCheckedThrowingContinuation { continuation in
            if let failure { return continuation.resume(throwing: failure) }
            waiting.append(continuation)
            guard waiting.count == workers else { return }
            let gun = Gun.soon()
            for continuation in waiting { continuation.resume(returning: gun) }
            waiting = []
        }
    }

    /// One that cannot start ends the run for all.
    func fail(_ error: any Error) {
        failure = failure ?? error
        for continuation in waiting { continuation.resume(throwing: error) }
        waiting = []
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
