import ArgumentParser
import StintCore

/// What callers gain by sharing one process: do their transactions share a sync of the disk?
struct GroupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Tasks of one process, each with one job at a time and durably, against one such task.")

    @OptionGroup var options: GroupOptions

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await common.report("group") { folder in
            let backlog = Backlog(folder: folder.url)
            let fleet = try Fleet()
            var series: [GroupSeries] = []
            for design in [Design.stintEnqueues, .stintAcks] {
                series += try await measure(design, backlog, fleet)
            }
            return GroupFindings(title: "FULL", expected: 12, series: series)
        }
    }

    private func measure(_ design: Design, _ backlog: Backlog, _ fleet: Fleet) async throws -> [GroupSeries] {
        try await options.measure(design) { tasks in
            let assignment = Assignment(
                design: design, durability: .full, batch: ClaimRequest.maximumLimit, seconds: options.seconds,
                tasks: tasks)
            return try await fleet.measure(
                assignment, workers: 1, jobs: design == .stintAcks ? leases(tasks: tasks) : 0, on: backlog)
        }
    }

    /// More than can be acknowledged in a turn, and no more than needed: all are claimed before it.
    private func leases(tasks: Int) -> Int {
        Int(Double(15_000 + 2_000 * tasks) * max(1, options.seconds))
    }
}

/// One verb at one number of tasks.
struct GroupSeries: Encodable {
    let verb: String
    let tasks: Int
    let callsPerSecond: [Double]
    /// The ratio to one task: the median of the rounds' own ratios.
    let ratio: Double
    let millisecondsP50: Double
    let millisecondsP99: Double
    let cpuMicrosecondsPerCall: Double

    init(verb: String, tasks: Int, rounds: [Measurement], alone: [Measurement]) {
        self.verb = verb
        self.tasks = tasks
        callsPerSecond = rounds.map(Self.rate)
        ratio = zip(rounds, alone).map { Self.rate($1) > 0 ? Self.rate($0) / Self.rate($1) : 0 }.median
        millisecondsP50 = rounds.map { $0.waits?.millisecondsP50 ?? 0 }.median
        millisecondsP99 = rounds.map { $0.waits?.millisecondsP99 ?? 0 }.median
        cpuMicrosecondsPerCall = rounds.map(\.cpuMicrosecondsPerJob).median
    }

    private static func rate(_ round: Measurement) -> Double {
        round.seconds > 0 ? Double(round.done + round.enqueued) / round.seconds : 0
    }
}

struct GroupFindings: Findings {
    var server: String?
    let title: String
    /// The ratio of 64 tasks to one.
    let expected: Double
    let series: [GroupSeries]

    var grids: [Grid] {
        var grid = Grid("\(title), one process, one job a call", "calls/s", "to 1 task", "a call p50", "p99 ms")
        for row in series {
            grid.add(
                "\(row.verb), \(count(row.tasks, "task"))", row.callsPerSecond.median.text(), "\(row.ratio.text(1)) x",
                row.millisecondsP50.text(2), row.millisecondsP99.text(2))
        }
        return (server.map { [Grid($0)] } ?? []) + [grid]
    }

    var expectations: [Expectation] {
        series.filter { $0.tasks == 64 }.map {
            Expectation("\($0.verb): 64 tasks to one", .atLeast, expected, reached: $0.ratio)
        }
    }
}
