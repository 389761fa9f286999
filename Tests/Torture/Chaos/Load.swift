/// Many producers and workers at once: everything must stay within bounds.
package struct Load: Sendable {
    package var run: ChaosRun
    /// The largest log that the store's checkpoints may allow, in bytes.
    package static let largestLog: Int64 = 64 << 20
    /// How much the memory of a process may grow after it has settled, in bytes.
    package static let largestGrowth: Int64 = 16 << 20
    /// The least share that a process may get of the average of its role.
    package static let leastShare = 0.2

    package init(_ run: ChaosRun, producers: Int, workers: Int) {
        self.run = run
        self.run.roles = [.producer: producers, .worker: workers, .reaper: 1, .operator: 1]
        // There are so many processes on few processors that a worker without its turn in time has not died.
        self.run.lease = .seconds(30)
        self.run.isCalm = true
        self.run.samples = .milliseconds(500)
    }

    package func run() async throws -> ChaosRun.Report {
        var report = try await run.run()
        for role in [Role.producer, .worker] {
            let shares = report.shares[role] ?? []
            let average = Double(shares.reduce(0, +)) / Double(max(1, shares.count))
            if shares.count != run.roles[role] {
                report.troubles.append("\(shares.count) processes were \(role)s, not \(run.roles[role]!)")
            }
            if Double(shares.min() ?? 0) < average * Self.leastShare {
                report.troubles.append("a \(role) starves: \(shares.min() ?? 0) jobs, on average \(average)")
            }
        }
        guard let sizes = report.sizes else { return report }
        if let log = sizes.log.max(), log > Self.largestLog {
            report.troubles.append("the log grew to \(log >> 20) MiB")
        }
        if let growth = sizes.largestGrowth, growth.to - growth.from > Self.largestGrowth {
            report.troubles.append(
                "the memory of a \(growth.role) grew from \(growth.from >> 20) to \(growth.to >> 20) MiB")
        }
        return report
    }
}
