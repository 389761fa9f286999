import Histogram
import Synchronization

/// What one worker process did: which jobs, and when the first of the backlog started.
final class Recorder: Sendable {
    private struct State {
        var report = WorkerReport()
        var executed = IDSet()
        var latencies = Latencies.empty
        var waits = Latencies.empty
    }

    let barrier: StartBarrier
    private let burst: Int64
    private let keepsIDs: Bool
    private let state = Mutex(State())

    init(barrier: StartBarrier, _ assignment: Assignment) {
        self.barrier = barrier
        burst = Int64(assignment.burst)
        keepsIDs = assignment.keepsIDs
    }

    /// Records the start of this job's handler.
    func started(_ id: Int64) {
        let elapsed = barrier.elapsed
        state.withLock { state in
            if state.report.firstStart == nil { state.report.firstStart = elapsed }
            if id <= burst { state.latencies.record(UInt64(max(0, elapsed / 1_000))) }
        }
    }

    /// Records the end of this job's handler.
    func finished(_ id: Int64) {
        state.withLock { state in
            state.report.done += 1
            if keepsIDs, !state.executed.insert(id) { state.report.repeated += 1 }
        }
    }

    func enqueued(_ jobs: Int) { state.withLock { $0.report.enqueued += jobs } }

    /// Records a call of the store that took from `start` until now.
    func waited(since start: Int64) {
        let nanoseconds = MonotonicClock.nanoseconds() - start
        state.withLock { _ = $0.waits.record(UInt64(max(0, nanoseconds / 1_000))) }
    }

    func locked(_ times: Int = 1) { state.withLock { $0.report.lockedErrors += times } }
    func lostRace() { state.withLock { $0.report.lostRaces += 1 } }

    /// Must be called when all finished work is on disk.
    func report() -> WorkerReport {
        state.withLock { state in
            var report = state.report
            report.finished = barrier.elapsed
            report.cpuMicroseconds = barrier.cpuMicroseconds
            report.executed = keepsIDs ? state.executed : nil
            report.waits = state.waits.pairs
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
