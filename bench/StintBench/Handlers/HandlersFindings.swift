/// All turns of one way.
struct HandlerSeries: Encodable, Sendable {
    struct Turn: Encodable, Sendable {
        let side: HandlerSide
        let jobsPerSecond: Double
    }

    let way: HandlerWay
    /// One of each side for each round.
    var turns: [Turn] = []

    private func speeds(_ side: HandlerSide) -> [Double] { turns.filter { $0.side == side }.map(\.jobsPerSecond) }

    /// The median of the rounds' own ratios.
    func ratio(_ side: HandlerSide, _ other: HandlerSide) -> Double {
        zip(speeds(side), speeds(other)).map { $0 / $1 }.median
    }

    func text(_ side: HandlerSide) -> String {
        let all = speeds(side)
        return "\(all.median.text()) (\((all.min() ?? 0).text()) - \((all.max() ?? 0).text()))"
    }
}

/// The times from SIGKILL of a worker to the start of its job in the next one.
struct RevivalSeries: Encodable, Sendable {
    let workers: Int
    let milliseconds: [Double]
}

struct HandlersFindings: Findings {
    let workers: [Int]
    let series: [HandlerSeries]
    let revivals: [RevivalSeries]

    var grids: [Grid] {
        var alone = Grid("Jobs a second, 100-byte payloads", "without a supervisor", "1 worker of one, to that")
        for one in series {
            // As a supervisor has it: a single worker writes by itself.
            let watched = HandlerSide.supervised(workers: 1, isDirect: true)
            alone.add(
                one.way.title, one.text(.alone),
                workers.contains(1) ? "\(one.ratio(watched, .alone).text(2)) x" : "")
        }
        return [alone] + workers.map(supervised) + (revivals.isEmpty ? [] : [deaths])
    }

    private func supervised(_ workers: Int) -> Grid {
        var grid = Grid(
            "Jobs a second, \(count(workers, "supervised worker"))", "through their supervisor", "each by itself",
            "the first to the second")
        for one in series {
            let sides = [false, true].map { HandlerSide.supervised(workers: workers, isDirect: $0) }
            grid.add(
                one.way.title, one.text(sides[0]), one.text(sides[1]), "\(one.ratio(sides[0], sides[1]).text(2)) x")
        }
        return grid
    }

    private var deaths: Grid {
        var grid = Grid("From SIGKILL to the next start of its job, ms", "deaths", "first", "median", "last")
        for one in revivals {
            let times = one.milliseconds
            grid.add(
                "a worker of \(one.workers)", "\(times.count)", (times.min() ?? 0).text(), times.median.text(),
                (times.max() ?? 0).text())
        }
        return grid
    }

    var expectations: [Expectation] {
        series.flatMap { one in
            workers.filter { $0 > 1 }.map { workers in
                Expectation(
                    "\(one.way.title), \(count(workers, "worker")): through the supervisor to each by itself", .atLeast,
                    0.95,
                    reached: one.ratio(
                        .supervised(workers: workers, isDirect: false), .supervised(workers: workers, isDirect: true)))
            }
        }
    }
}
