import ArgumentParser

/// What happens around idle workers.
enum IdleSituation: String, Codable, CaseIterable, ExpressibleByArgument {
    /// Each is a process of its own, and no process writes.
    case alone
    /// The same, while another process commits in another queue.
    case beside
    /// The processes of one supervisor, which counts too.
    case supervised
    /// The same, while another process commits in another queue.
    case supervisedBeside = "supervised-beside"

    var title: String {
        switch self {
        case .alone: "alone"
        case .beside: "beside commits in another queue"
        case .supervised: "supervised"
        case .supervisedBeside: "supervised, beside commits in another queue"
        }
    }

    /// The part of one core, in percent, for the usual number of workers.
    var expected: Double {
        switch self {
        case .alone: 0.5
        case .beside, .supervisedBeside: 5
        case .supervised: 0.3
        }
    }
}

struct IdleSeries: Encodable {
    let situation: IdleSituation
    let workers: Int
    /// The CPU time of each process.
    let cpuMicroseconds: [Int64]
    /// The wake-ups of each process that reports them.
    let wakeUps: [Int]
    /// What each worker has for itself, where it is known.
    var privateBytes: [Int64] = []
    /// What was written, in words; empty: nothing; `nil`: it was not checked.
    let changes: [String]?

    /// The part of one core, all processes together.
    func percent(of seconds: Double) -> Double { Double(cpuMicroseconds.reduce(0, +)) / (seconds * 1e6) * 100 }
}

struct IdleFindings: Findings {
    let seconds: Double
    let series: [IdleSeries]

    var grids: [Grid] { series.map(grid) }

    private func grid(_ series: IdleSeries) -> Grid {
        let title = "\(count(series.workers, "idle worker")), \(series.situation.title), \(seconds.text()) s"
        var grid = Grid(title, "all together", "a worker and second")
        let perWorkerSecond = Double(series.workers) * seconds
        let cpu = Double(series.cpuMicroseconds.reduce(0, +))
        let wakeUps = Double(series.wakeUps.reduce(0, +))
        grid.add("CPU", "\((cpu / 1_000).text(1)) ms", "\((cpu / perWorkerSecond).text(1)) µs")
        grid.add("of one core", "\(series.percent(of: seconds).text(3)) %", "")
        if !series.wakeUps.isEmpty {
            grid.add("woken", wakeUps.text(), (wakeUps / perWorkerSecond).text(2))
        }
        if !series.privateBytes.isEmpty {
            let bytes = Double(series.privateBytes.reduce(0, +))
            let average = bytes / Double(series.privateBytes.count)
            grid.add("own memory", "\((bytes / 1e6).text(1)) MB", "\((average / 1e6).text(2)) MB a worker")
        }
        if let changes = series.changes {
            grid.add("written: " + (changes.isEmpty ? "nothing" : changes.joined(separator: ", ")), "", "")
        }
        return grid
    }

    var expectations: [Expectation] {
        series.flatMap { series in
            [
                Expectation(
                    "CPU of all idle workers together, \(series.situation.title), of one core", .below,
                    series.situation.expected, reached: series.percent(of: seconds), unit: "%")
            ]
                + (series.changes.map { changes in
                    [
                        Expectation(
                            "traces of a write meanwhile, \(series.situation.title)", .atMost, 0,
                            reached: Double(changes.count), unit: "changes")
                    ]
                } ?? [])
        }
    }
}
