import Histogram
import Synchronization

/// What one worker process did: which jobs, and when the first of the backlog started.
final class Recorder: Sendable {
    private struct State {
        var report = WorkerReport()
        var executed = IDSet()
        var latencies = Latencies.empty
    }

    let gun: Gun
    private let burst: Int64
    private let state = Mutex(State())

    init(gun: Gun, burst: Int) {
        self.gun = gun
        self.burst = Int64(burst)
    }

    /// A handler starts with this job.
    func started(_ id: Int64) {
        let elapsed = gun.elapsed
        state.withLock { state in
            if state.report.firstStart == nil { state.report.firstStart = elapsed }
            if id <= burst { state.latencies.record(UInt64(max(0, elapsed / 1_000))) }
        }
    }

    /// A handler is done with this job.
    func finished(_ id: Int64) {
        state.withLock { state in
            state.report.done += 1
            if !state.executed.insert(id) { state.report.repeated += 1 }
        }
    }

    func locked(_ times: Int = 1) { state.withLock { $0.report.lockedErrors += times } }
    func lostRace() { state.withLock { $0.report.lostRaces += 1 } }

    /// Call it when all that was done is on disk.
    func report() -> WorkerReport {
        state.withLock { state in
            var report = state.report
            report.finished = gun.elapsed
            report.cpuMicroseconds = gun.cpuMicroseconds
            report.executed = state.executed
            report.latencies = state.latencies.pairs
            return report
        }
    }
}

/// Microseconds up to an hour, with three digits.
typealias Latencies = Histogram<UInt64>

extension Latencies {
    static var empty: Latencies {
        Latencies(highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: .three)
    }

    /// What it counted, small enough for a pipe.
    var pairs: [[UInt64]] { recordedValues().map { [$0.value, $0.count] } }

    mutating func record(pairs: [[UInt64]]) {
        for pair in pairs where pair.count == 2 { record(pair[0], count: pair[1]) }
    }
}
