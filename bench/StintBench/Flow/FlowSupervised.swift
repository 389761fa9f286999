/// What groups and limits cost workers that claim and acknowledge through their supervisor.
struct FlowSupervised {
    let sides: [FlowSide]
    let files: FlowFiles
    let folder: WorkFolder
    let fleet: Fleet
    let workers: Int
    let batch: Int

    /// The sides that ``FlowSide/all(groups:)`` names, and no groups for workers that start all jobs of a claim at once.
    static func sides(groups: Int) -> [FlowSide] {
        let sides = FlowSide.all(groups: groups)
        return [sides[0], FlowSide(name: "none-spread", title: "no groups, 64 start at once", idleSlots: nil)]
            + sides.dropFirst()
    }

    func measure(rounds: Int) async throws -> [FlowSupervisedSeries] {
        let turns = try await sides.turns(rounds: rounds, turn)
        // A worker that runs 64 jobs at once has costs of its own, whatever the groups.
        func base(_ side: FlowSide) -> FlowSide { side.idleSlots == nil ? sides[1] : sides[0] }
        return sides.map {
            FlowSupervisedSeries($0, turns: turns[$0.name] ?? [], base: turns[base($0).name] ?? [])
        }
    }

    private func turn(_ side: FlowSide, _ round: Int) async throws -> SupervisedTurn {
        let (path, jobs) = try await files.file(side)
        let role = SupervisorRole(
            database: path, durability: .full, workers: workers, batch: batch,
            concurrency: side.idleSlots ?? batch, isDirect: false, warmUpSeconds: 0, seconds: 60,
            jobLimit: Int64(files.jobs), counts: folder.path("counts-\(side.name)-\(round)"))
        let turn = SupervisedTurn(workers: workers, isDirect: false, report: try await fleet.run([role])[0])
        let left = try SQLiteConnection(path, durability: .full).integer("SELECT count(*) FROM stint_jobs")
        guard Int(left) == jobs - files.jobs else {
            throw BenchError("'\(side.title)' left \(left) of \(jobs) jobs, and not \(jobs - files.jobs)")
        }
        return turn
    }
}

struct FlowSupervisedSeries: Encodable, Sendable {
    let title: String
    let turns: [SupervisedTurn]
    /// The share of the throughput without groups: the median of the rounds' own shares.
    let share: Double
    let shares: [Double]
    let expected: Double?

    init(_ side: FlowSide, turns: [SupervisedTurn], base: [SupervisedTurn]) {
        title = side.title
        self.turns = turns
        shares = zip(turns, base).map { $0.jobsPerSecond / $1.jobsPerSecond }
        share = shares.median
        expected = side.expected
    }

    static func grid(_ series: [FlowSupervisedSeries]) -> Grid {
        var grid = Grid(
            "FULL, \(series[0].turns.first?.workers ?? 0) workers through their supervisor", "jobs/s", "to no groups",
            "of rounds", "µs a job: supervisor", "workers")
        for row in series {
            grid.add(
                row.title, row.turns.map(\.jobsPerSecond).median.text(), "\(row.share.text(2)) x",
                "\((row.shares.min() ?? 0).text(2)) - \((row.shares.max() ?? 0).text(2))",
                row.turns.map(\.supervisorMicrosecondsPerJob).median.text(1),
                row.turns.map(\.workerMicrosecondsPerJob).median.text(1))
        }
        return grid
    }

    var expectation: Expectation? {
        expected.map { Expectation("through a supervisor, \(title), to none", .atLeast, $0, reached: share) }
    }
}
