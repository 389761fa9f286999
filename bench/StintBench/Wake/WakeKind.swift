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

struct WakeFindings: Findings {
    let seed: UInt64
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
        series.filter { $0.kind == .enqueue && !$0.microseconds.isEmpty }.flatMap {
            [
                Expectation(
                    "from the enqueue to the start, median", .below, 1, reached: $0.millisecondsP50, unit: "ms"),
                Expectation(
                    "from the enqueue to the start, 99th percentile", .below, 5, reached: $0.millisecondsP99, unit: "ms"
                ),
            ]
        }
    }
}
