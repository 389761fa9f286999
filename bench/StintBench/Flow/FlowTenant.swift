import Stint
import StintCore
import Synchronization
import TestSupport

/// How long does a tenant with ten jobs wait behind one with very many?
struct FlowTenant {
    static let smallJobs = 10

    let jobs: Int
    let workers: Int
    let batch: Int
    let isFair: Bool

    func measure(_ database: String, _ fleet: Fleet) async throws -> FlowTenantResult {
        let queue = try await JobQueue(.sqlite(database, durability: .full))
        try await queue.pause(StintWorkload.queue)
        try await queue.store.configure(StintWorkload.queue, QueueSettings(isFair: isFair))
        for start in stride(from: 0, to: jobs, by: 1_000) {
            try await queue.enqueue(jobs: (start..<min(start + 1_000, jobs)).map { try Self.job($0, "large") })
        }
        let log = try ClaimLog(database)
        try log.follow(group: "small")
        let enqueued = Mutex<Int64>(0)
        let role = WakeRole(database: database, concurrency: 1, batch: batch)
        let reports = try await fleet.run(Array(repeating: role, count: workers)) { [jobs] _ in
            // They register and look for work first.
            try await Task.sleep(for: .milliseconds(500))
            try await queue.resume(StintWorkload.queue)
            // In the midst of the other's jobs.
            try await Task.sleep(for: .milliseconds(100))
            let small = try (jobs..<jobs + Self.smallJobs).map { try Self.job($0, "small") }
            enqueued.withLock { $0 = MonotonicClock.nanoseconds() }
            try await queue.enqueue(jobs: small)
            try await eventually("all jobs are done", every: .milliseconds(50)) {
                try await !queue.store.stats().contains { $0.unfinished > 0 }
            }
        }
        let all = reports.flatMap { $0 }
        let waits = all.filter { $0.number >= jobs }
            .map { Double($0.nanoseconds - enqueued.withLock { $0 }) / 1e6 }.sorted()
        guard all.count == jobs + Self.smallJobs, waits.count == Self.smallJobs else {
            throw BenchError("\(jobs + Self.smallJobs) jobs were enqueued and \(all.count) started")
        }
        return FlowTenantResult(
            isFair: isFair, jobs: jobs, millisecondsFirst: waits[0], millisecondsLast: waits[Self.smallJobs - 1],
            claims: try log.claimsUntilClaimed())
    }

    private static func job(_ number: Int, _ group: String) throws -> NewJob {
        try NewJob(Array(String(number).utf8), in: StintWorkload.queue, options: JobOptions(group: group))
    }
}

struct FlowTenantResult: Encodable, Sendable {
    let isFair: Bool
    let jobs: Int
    /// From the enqueue to the start of the first job's handler, and the last one's.
    let millisecondsFirst: Double
    let millisecondsLast: Double
    /// For each job of the small tenant: the number of claims of all workers from its enqueue to its own.
    let claims: [Int]

    static func grid(_ results: [FlowTenantResult]) -> Grid {
        var grid = Grid(
            "\(FlowTenant.smallJobs) jobs behind \(Double(results[0].jobs).text()) of another tenant", "first ms",
            "last ms", "claims until the last")
        for row in results {
            grid.add(
                row.isFair ? "fair" : "fair off", row.millisecondsFirst.text(1), row.millisecondsLast.text(1),
                Double(row.claims.max() ?? 0).text())
        }
        return grid
    }

    var expectation: Expectation? {
        isFair
            ? Expectation(
                "claims until the last job of the small tenant", .atMost, 2, reached: Double(claims.max() ?? 0),
                unit: "claims") : nil
    }
}
