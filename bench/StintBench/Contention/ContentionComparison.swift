/// The same processes with the gate and without.
struct ContentionComparison: Encodable, Sendable {
    let workers: Int
    let producers: Int
    let gate: [Measurement]
    let busyTimeout: [Measurement]
    let gateLeastToAverage: Double
    let busyTimeoutLeastToAverage: Double
    /// The ratio of the gate to the other side: the median of the rounds' own ratios.
    let throughputRatio: Double
    let longestWaitRatio: Double

    init(workers: Int, producers: Int, gate: [Measurement], busyTimeout: [Measurement]) {
        self.workers = workers
        self.producers = producers
        self.gate = gate
        self.busyTimeout = busyTimeout
        gateLeastToAverage = gate.map(\.leastToAverage).median
        busyTimeoutLeastToAverage = busyTimeout.map(\.leastToAverage).median
        throughputRatio = Self.ratio(gate, busyTimeout) { $0.jobsPerSecond }
        longestWaitRatio = Self.ratio(gate, busyTimeout) { $0.waits?.millisecondsLongest ?? 0 }
    }

    private static func ratio(
        _ gate: [Measurement], _ busyTimeout: [Measurement], _ value: (Measurement) -> Double
    ) -> Double {
        zip(gate, busyTimeout).filter { value($1) > 0 }.map { value($0) / value($1) }.median
    }

    var grid: Grid {
        let beside = producers > 0 ? ", \(count(producers, "producer")) beside" : ""
        var grid = Grid(
            "FULL, 0 ms jobs, \(count(workers, "worker"))\(beside)", "jobs/s", "least / average", "jobs a worker",
            "wait p50", "p99", "worst ms", "gave up")
        for (side, rounds) in [(WriteLockSide.gate, gate), (.busyTimeout, busyTimeout)] {
            func median(_ value: (Measurement) -> Double) -> Double { rounds.map(value).median }
            grid.add(
                side.title, median(\.jobsPerSecond).text(), median(\.leastToAverage).text(2),
                "\(median { Double($0.fewestJobs) }.text()) - \(median { Double($0.mostJobs) }.text())",
                median { $0.waits?.millisecondsP50 ?? 0 }.text(2), median { $0.waits?.millisecondsP99 ?? 0 }.text(1),
                median { $0.waits?.millisecondsLongest ?? 0 }.text(1), median { Double($0.lockedErrors) }.text())
        }
        grid.add(
            "the gate's to the other's", "\(throughputRatio.text(2)) x", "", "", "", "",
            "\(longestWaitRatio.text(3)) x",
            "")
        return grid
    }
}

struct ContentionFindings: Findings {
    let comparisons: [ContentionComparison]

    var grids: [Grid] { comparisons.map(\.grid) }

    /// Expectations of the first table, in which no process enqueues.
    var expectations: [Expectation] {
        comparisons.prefix(1).flatMap { comparison in
            [
                Expectation(
                    "with the gate: jobs of the least lucky worker to the average", .atLeast, 0.8,
                    reached: comparison.gateLeastToAverage),
                Expectation(
                    "worst wait with the gate to the one without", .atMost, 0.05, reached: comparison.longestWaitRatio),
                Expectation(
                    "throughput with the gate to the one without", .atLeast, 0.85, reached: comparison.throughputRatio),
            ]
        }
    }
}
