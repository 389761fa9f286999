import Stint
import StintCore
import TestSupport

/// Does a rate hold, neither above nor below, with many processes?
struct FlowRate {
    static let processes = 8
    /// In each process. Nothing is claimed ahead of a limit, so a claim takes no more than these.
    static let handlers = 16

    let rate: Int
    let seconds: Int

    func measure(_ database: String, _ fleet: Fleet) async throws -> FlowRateResult {
        let jobs = rate * (seconds + 1)
        let queue = try await JobQueue(.sqlite(database, durability: .full))
        try await queue.pause(StintWorkload.queue)
        try await queue.store.configure(
            StintWorkload.queue, QueueSettings(rate: .to(Rate(rate, per: .seconds(1)))))
        for start in stride(from: 0, to: jobs, by: 1_000) {
            try await queue.enqueue(
                jobs: (start..<min(start + 1_000, jobs)).map {
                    try NewJob(Array(String($0).utf8), in: StintWorkload.queue)
                })
        }
        let log = try ClaimLog(database)
        let reports = try await fleet.run(
            Array(repeating: WakeRole(database: database, concurrency: Self.handlers), count: Self.processes)
        ) { _ in
            // They register and look for work first.
            try await Task.sleep(for: .milliseconds(500))
            try await queue.resume(StintWorkload.queue)
            try await eventually("all jobs are done", every: .milliseconds(50)) {
                try await !queue.store.stats().contains { $0.unfinished > 0 }
            }
        }
        let starts = reports.flatMap { $0 }.map(\.nanoseconds).sorted()
        guard Set(reports.flatMap { $0 }.map(\.number)).count == jobs, starts.count == jobs else {
            throw BenchError("\(jobs) jobs were enqueued and \(starts.count) started")
        }
        return FlowRateResult(
            rate: rate, seconds: seconds, claims: try log.times(), starts: starts,
            jobsByProcess: reports.map(\.count))
    }
}

struct FlowRateResult: Encodable, Sendable {
    let rate: Int
    let seconds: Int
    /// The most claims and starts of handlers in any window of a second.
    let mostClaims: Int
    let mostStarts: Int
    /// From the first claim to the first one after as many as the time allows.
    let reachedRate: Double
    let jobsByProcess: [Int]

    init(rate: Int, seconds: Int, claims: [Int64], starts: [Int64], jobsByProcess: [Int]) {
        self.rate = rate
        self.seconds = seconds
        mostClaims = claims.most(within: 1_000)
        mostStarts = starts.most(within: 1_000_000_000)
        let count = rate * seconds
        reachedRate = Double(count) / (Double(claims[count] - claims[0]) / 1_000)
        self.jobsByProcess = jobsByProcess
    }

    var grid: Grid {
        var grid = Grid(
            "\(rate.grouped) starts a second, \(jobsByProcess.count) processes, \(seconds) s", "reached a second",
            "most claims in 1 s", "most starts in 1 s", "jobs a process")
        grid.add(
            "", reachedRate.text(1), mostClaims.grouped, mostStarts.grouped,
            "\(jobsByProcess.min() ?? 0) - \(jobsByProcess.max() ?? 0)")
        return grid
    }

    var expectations: [Expectation] {
        [
            Expectation(
                "a rate of \(rate.grouped) a second: reached", .atLeast, 0.99, reached: reachedRate / Double(rate)),
            Expectation(
                "the most claims in any second", .atMost, Double(rate), reached: Double(mostClaims), unit: "jobs"),
        ]
    }
}

extension Int {
    fileprivate var grouped: String { Double(self).text() }
}
