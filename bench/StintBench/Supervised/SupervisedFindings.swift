/// One turn of one supervisor and its workers.
struct SupervisedTurn: Encodable, Sendable {
    let workers: Int
    let isDirect: Bool
    let jobsPerSecond: Double
    let leastToAverage: Double
    let supervisorMicrosecondsPerJob: Double
    let workerMicrosecondsPerJob: Double

    init(workers: Int, isDirect: Bool, report: SupervisorRole.Report) {
        self.workers = workers
        self.isDirect = isDirect
        let jobs = Double(report.jobs.reduce(0, +))
        jobsPerSecond = jobs / report.seconds
        leastToAverage = Double(report.jobs.min() ?? 0) * Double(workers) / max(1, jobs)
        supervisorMicrosecondsPerJob = Double(report.supervisorMicroseconds) / max(1, jobs)
        workerMicrosecondsPerJob = Double(report.workerMicroseconds) / max(1, jobs)
    }
}

/// All turns with one durability and one batch.
struct SupervisedSeries: Encodable, Sendable {
    let durability: SyncMode
    let batch: Int
    let turns: [SupervisedTurn]

    private func turns(_ workers: Int, _ isDirect: Bool) -> [SupervisedTurn] {
        turns.filter { $0.workers == workers && $0.isDirect == isDirect }
    }

    /// The median of the rounds' own ratios.
    func ratio(_ one: (workers: Int, isDirect: Bool), _ other: (workers: Int, isDirect: Bool)) -> Double {
        zip(turns(one.workers, one.isDirect), turns(other.workers, other.isDirect)).map {
            $0.jobsPerSecond / $1.jobsPerSecond
        }.median
    }

    var workers: [Int] { Set(turns.map(\.workers)).sorted() }

    func leastToAverage(_ workers: Int) -> Double { turns(workers, false).map(\.leastToAverage).median }

    var grid: Grid {
        var grid = Grid(
            "\(durability.rawValue.uppercased()), batches of \(batch)", "jobs/s", "of rounds", "to direct",
            "least / average", "µs a job: supervisor", "workers")
        for workers in workers {
            for isDirect in [false, true] {
                let turns = turns(workers, isDirect)
                let speeds = turns.map(\.jobsPerSecond)
                grid.add(
                    "\(workers) workers, \(isDirect ? "each by itself" : "through their supervisor")",
                    speeds.median.text(), "\((speeds.min() ?? 0).text()) - \((speeds.max() ?? 0).text())",
                    isDirect ? "" : "\(ratio((workers, false), (workers, true)).text(2)) x",
                    turns.map(\.leastToAverage).median.text(2),
                    turns.map(\.supervisorMicrosecondsPerJob).median.text(1),
                    turns.map(\.workerMicrosecondsPerJob).median.text(1))
            }
        }
        return grid
    }
}

struct SupervisedFindings: Findings {
    let series: [SupervisedSeries]

    var grids: [Grid] { series.map(\.grid) }

    var expectations: [Expectation] {
        series.flatMap { series -> [Expectation] in
            guard series.workers.contains(16) else { return [] }
            let name = "16 workers, \(series.durability.rawValue.uppercased()), batches of \(series.batch)"
            var all = [
                Expectation("\(name): to each by itself", .atLeast, 2, reached: series.ratio((16, false), (16, true))),
                Expectation(
                    "\(name): the least lucky to the average", .atLeast, 0.9, reached: series.leastToAverage(16)),
            ]
            if series.workers.contains(4) {
                all.insert(
                    Expectation(
                        "\(name): to 4 workers", .atLeast, 0.95, reached: series.ratio((16, false), (4, false))),
                    at: 0)
            }
            return all
        }
    }
}
