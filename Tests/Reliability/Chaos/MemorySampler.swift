import History
import StintPlatform
import Synchronization

/// Samples the memory of the processes from time to time.
final class MemorySampler: Sendable {
    private let processes: ProcessGroup
    private let interval: Duration
    private let state = Mutex((isOver: false, memory: MemoryReport()))

    init(_ processes: ProcessGroup, every interval: Duration) {
        self.processes = processes
        self.interval = interval
    }

    func stop() -> MemoryReport {
        state.withLock { state in
            state.isOver = true
            return state.memory
        }
    }

    func run() async throws {
        while !state.withLock(\.isOver) {
            let living = await processes.living
            state.withLock { state in
                for member in living {
                    guard let memory = ProcessMemory.resident(ofProcess: member.id), memory > 0 else {
                        continue
                    }
                    state.memory.processes[ProcessName.of(member.id), default: (member.role, [])].samples.append(memory)
                }
            }
            try await Task.sleep(for: interval)
        }
    }
}

/// Resident memory in bytes, in the order of time.
package struct MemoryReport: Sendable {
    package var processes: [String: (role: Role, samples: [Int64])] = [:]

    package init() {}

    /// The largest growth of a process's memory from the first half of its time, after a start, to the second.
    package var largestGrowth: (role: Role, from: Int64, to: Int64)? {
        processes.values.filter { $0.samples.count >= 8 }.map { role, samples in
            let settled = samples.dropFirst(samples.count / 4)
            let half = settled.count / 2
            return (role, settled.prefix(half).max()!, settled.suffix(half).max()!)
        }.max { $0.2 - $0.1 < $1.2 - $1.1 }
    }
}
