/// What groups and limits cost: processes that claim and acknowledge until nothing is left.
struct FlowCost {
    let sides: [FlowSide]
    let files: FlowFiles
    let fleet: Fleet
    let workers: Int
    let batch: Int

    func measure(rounds: Int) async throws -> [FlowCostSeries] {
        let turns = try await sides.turns(rounds: rounds) { side, _ in try await turn(side) }
        return sides.map { FlowCostSeries($0, turns: turns[$0.name] ?? [], base: turns[sides[0].name] ?? []) }
    }

    private func turn(_ side: FlowSide) async throws -> Measurement {
        let (path, jobs) = try await files.file(side)
        let assignment = Assignment(
            design: .stintExchange, database: path, durability: .full, batch: batch, idleSlots: side.idleSlots,
            seconds: 120)
        let reports = try await fleet.run(Array(repeating: assignment, count: workers))
        try Verification(assignment: assignment, jobs: jobs, reports: reports).check()
        let measurement = Measurement(assignment, workers: workers, backlog: jobs, reports: reports)
        guard measurement.done == files.jobs else {
            throw BenchError("'\(side.title)' did \(measurement.done) of \(files.jobs) jobs")
        }
        return measurement
    }
}

struct FlowCostSeries: Encodable, Sendable {
    let title: String
    let turns: [Measurement]
    /// The share of the throughput without groups: the median of the rounds' own shares.
    let share: Double
    let shares: [Double]
    let cpuShare: Double
    let expected: Double?

    init(_ side: FlowSide, turns: [Measurement], base: [Measurement]) {
        title = side.title
        self.turns = turns
        shares = zip(turns, base).map { $0.jobsPerSecond / $1.jobsPerSecond }
        share = shares.median
        cpuShare = zip(turns, base).map { $0.cpuMicrosecondsPerJob / $1.cpuMicrosecondsPerJob }.median
        expected = side.expected
    }

    static func grid(_ series: [FlowCostSeries]) -> Grid {
        let first = series[0].turns.first
        var grid = Grid(
            "FULL, \(first?.workers ?? 0) processes, batch \(first?.batch ?? 0)", "jobs/s",
            "to no groups", "of rounds", "CPU µs a job", "to no groups")
        for row in series {
            grid.add(
                row.title, row.turns.map(\.jobsPerSecond).median.text(), "\(row.share.text(2)) x",
                "\((row.shares.min() ?? 0).text(2)) - \((row.shares.max() ?? 0).text(2))",
                row.turns.map(\.cpuMicrosecondsPerJob).median.text(1), "\(row.cpuShare.text(2)) x")
        }
        return grid
    }

    var expectation: Expectation? {
        expected.map { Expectation("throughput, \(title), to none", .atLeast, $0, reached: share) }
    }
}
