import Foundation
import Subprocess

/// Starts processes of this program, releases them at the same instant, and collects their reports.
struct Fleet {
    /// This program: a process of a run is the same file again.
    let executable: String

    init() throws {
        executable = try StintProgram.ofThisProcess()
    }

    /// Runs one process for each of the roles.
    ///
    /// - Parameter meanwhile: What this process does from the barrier on. When it returns, the standard input of the
    ///   others ends.
    /// - Returns: The reports in the order of the roles.
    func run<Part: Role>(
        _ roles: [Part], meanwhile: @escaping @Sendable (StartBarrier) async throws -> Void = { _ in }
    ) async throws -> [Part.Report] {
        let line = StartingLine(processes: roles.count, meanwhile: meanwhile)
        return try await withThrowingTaskGroup(of: (Int, Part.Report).self) { group in
            for (index, role) in roles.enumerated() {
                group.addTask { (index, try await process(role, line)) }
            }
            var reports: [(Int, Part.Report)] = []
            for try await report in group { reports.append(report) }
            return reports.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func process<Part: Role>(_ role: Part, _ line: StartingLine) async throws -> Part.Report {
        let text = String(decoding: try JSONEncoder().encode(role), as: UTF8.self)
        let result = try await Subprocess.run(
            .path(.init(executable)), arguments: ["play", Part.name.rawValue, text], input: .inputWriter,
            output: .sequence, error: .currentStandardError
        ) { execution in
            do {
                var lines = execution.standardOutput.strings(bufferingPolicy: .unbounded).makeAsyncIterator()
                guard try await lines.next()?.trimmed == "ready" else {
                    throw BenchError("a worker ended before it was ready; its standard error says why")
                }
                let start = try await line.ready()
                _ = try await execution.standardInputWriter.write("\(start.barrier.nanoseconds)\n")
                try await start.meanwhile.value
                try await execution.standardInputWriter.finish()
                guard let report = try await lines.next() else {
                    throw BenchError("a worker ended without a report; its standard error says why")
                }
                return try JSONDecoder().decode(Part.Report.self, from: Data(report.utf8))
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

/// Holds the processes back until all are ready.
private actor StartingLine {
    struct Start {
        let barrier: StartBarrier
        let meanwhile: Task<Void, any Error>
    }

    private let processes: Int
    private let meanwhile: @Sendable (StartBarrier) async throws -> Void
    private var waiting: [CheckedContinuation<Start, any Error>] = []
    private var started: Task<Void, any Error>?
    private var failure: (any Error)?

    init(processes: Int, meanwhile: @escaping @Sendable (StartBarrier) async throws -> Void) {
        self.processes = processes
        self.meanwhile = meanwhile
    }

    func ready() async throws -> Start {
        try await withCheckedThrowingContinuation { continuation in
            if let failure { return continuation.resume(throwing: failure) }
            waiting.append(continuation)
            guard waiting.count == processes else { return }
            let barrier = StartBarrier.soon()
            let task = Task { [meanwhile] in try await meanwhile(barrier) }
            started = task
            let start = Start(barrier: barrier, meanwhile: task)
            for continuation in waiting { continuation.resume(returning: start) }
            waiting = []
        }
    }

    /// One that cannot start ends the run for all.
    func fail(_ error: any Error) {
        failure = failure ?? error
        started?.cancel()
        for continuation in waiting { continuation.resume(throwing: error) }
        waiting = []
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
