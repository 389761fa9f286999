import StintCore
import TestSupport

/// What wakes a sleeping worker. The time counts from just before the call, or the write to the shell; for a delayed
/// job, from its `run_at`.
enum WakeKind: String, Codable, CaseIterable {
    case enqueue, delayed, kick, resume, insert, shell

    var title: String {
        switch self {
        case .enqueue: "by an enqueue"
        case .delayed: "by a delayed job's run_at: how late"
        case .kick: "by a kick"
        case .resume: "by a resume"
        case .insert: "by INSERT, SQLite's C interface"
        case .shell: "by INSERT, the sqlite3 shell"
        }
    }
}

/// One kind's times.
struct WakeSeries: Encodable {
    let kind: WakeKind
    let title: String
    let microseconds: [Double]
    let millisecondsP50: Double
    let millisecondsP90: Double
    let millisecondsP99: Double
    let millisecondsLongest: Double
    /// Why there are no times.
    let skipped: String?

    init(_ kind: WakeKind, nanoseconds: [Int64], skipped: String? = nil) {
        self.kind = kind
        title = kind.title
        self.skipped = skipped
        var times = Latencies.empty
        // With a clock of milliseconds, a delayed job may start up to one millisecond early.
        for time in nanoseconds { times.record(UInt64(max(0, time / 1_000))) }
        microseconds = nanoseconds.map { Double($0) / 1_000 }.sorted()
        func milliseconds(_ percentile: Double) -> Double {
            nanoseconds.isEmpty ? 0 : Double(times.valueAtPercentile(percentile)) / 1_000
        }
        millisecondsP50 = milliseconds(50)
        millisecondsP90 = milliseconds(90)
        millisecondsP99 = milliseconds(99)
        millisecondsLongest = milliseconds(100)
    }
}

extension WakeSeries {
    /// All kinds of one run have the same database. Each finds an idle worker.
    init(measuring kind: WakeKind, _ times: Int, _ database: String, _ queue: BenchQueue, seed: UInt64) async throws {
        let triggers = WakeUpTriggers(queue, database, seed: seed)
        let reports = try await Fleet().run([WakeRole(database: database)]) { _ in
            // It registers and looks for work first.
            try await Task.sleep(for: .milliseconds(300))
            try await triggers.ring(kind, times: times)
            try await eventually("the worker has done its last jobs", every: .milliseconds(20)) {
                try await !queue.store.stats().contains { $0.unfinished > 0 }
            }
        }
        let (rung, skipped) = (await triggers.rung, await triggers.skipped)
        guard skipped == nil else {
            self.init(kind, nanoseconds: [], skipped: skipped)
            return
        }
        let starts = reports[0]
        guard Set(starts.map(\.number)) == Set(rung.indices), starts.count == rung.count else {
            throw BenchError("\(kind.title): \(rung.count) jobs were brought about and \(starts.count) started")
        }
        self.init(kind, nanoseconds: starts.map { $0.nanoseconds - rung[$0.number] })
    }
}

struct WakeFindings: Findings {
    let seed: UInt64
    /// What an enqueue must stay below, in milliseconds; `nil`: nothing is expected.
    let longestMedian: Double
    let longestP99: Double?
    let series: [WakeSeries]

    var grids: [Grid] {
        var grid = Grid(
            "A worker of another process is woken (seed \(seed))", "jobs", "p50", "p90", "p99", "longest ms")
        for row in series {
            if let skipped = row.skipped {
                grid.add("\(row.title): skipped, \(skipped)", "", "", "", "", "")
            } else {
                grid.add(
                    row.title, Double(row.microseconds.count).text(), row.millisecondsP50.text(2),
                    row.millisecondsP90.text(2), row.millisecondsP99.text(2), row.millisecondsLongest.text(2))
            }
        }
        return [grid]
    }

    var expectations: [Expectation] {
        series.filter { $0.kind == .enqueue && !$0.microseconds.isEmpty }.flatMap { series in
            let median = Expectation(
                "from the enqueue to the start, median", .below, longestMedian, reached: series.millisecondsP50,
                unit: "ms")
            guard let longestP99 else { return [median] }
            return [
                median,
                Expectation(
                    "from the enqueue to the start, 99th percentile", .below, longestP99,
                    reached: series.millisecondsP99, unit: "ms"),
            ]
        }
    }
}
