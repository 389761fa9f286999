import Foundation
import History
import StintCore
import Synchronization

/// Samples the sizes of the files and the memory of the processes from time to time.
final class SizeSampler: Sendable {
    private let run: ChaosRun
    private let processes: ProcessGroup
    private let interval: Duration
    private let state = Mutex((isOver: false, report: SizeReport()))

    init(_ run: ChaosRun, _ processes: ProcessGroup, every interval: Duration) {
        self.run = run
        self.processes = processes
        self.interval = interval
    }

    var report: SizeReport { state.withLock(\.report) }

    func stop() { state.withLock { $0.isOver = true } }

    func run() async throws {
        while !state.withLock(\.isOver) {
            let living = await processes.living
            state.withLock { state in
                state.report.database.append(size(run.database))
                state.report.log.append(size(run.database + "-wal"))
                for member in living {
                    guard let memory = ProcessMemory.resident(ofProcess: member.id), memory > 0 else {
                        continue
                    }
                    state.report.memory[ProcessName.of(member.id), default: (member.role, [])].samples.append(memory)
                }
            }
            try await Task.sleep(for: interval)
        }
    }

    private func size(_ path: String) -> Int64 {
        var facts = stat()
        return stat(path, &facts) == 0 ? Int64(facts.st_size) : 0
    }
}

/// Sizes in bytes, in the order of time.
package struct SizeReport: Sendable {
    package var database: [Int64] = []
    package var log: [Int64] = []
    package var memory: [String: (role: Role, samples: [Int64])] = [:]

    package init() {}

    /// The largest growth of a process's memory from the first half of its time, after a start, to the second.
    package var largestGrowth: (role: Role, from: Int64, to: Int64)? {
        memory.values.filter { $0.samples.count >= 8 }.map { role, samples in
            let settled = samples.dropFirst(samples.count / 4)
            let half = settled.count / 2
            return (role, settled.prefix(half).max()!, settled.suffix(half).max()!)
        }.max { $0.2 - $0.1 < $1.2 - $1.1 }
    }
}
