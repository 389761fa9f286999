/// Many producers and workers at once: everything must stay within bounds.
package struct Load: Sendable {
    package var run: ChaosRun
    /// The largest log that the store's checkpoints may allow, in bytes.
    package static let largestLog: Int64 = 64 << 20
    /// How much the memory of a process may grow after it has settled, in bytes.
    package static let largestGrowth: Int64 = 16 << 20
    /// The least share that a process may get of the average of its role.
    package static let leastShare = 0.2
    /// The same where some are killed, stopped and started again, and have less time for it.
    package static let leastShareOfDisturbed = 0.05

    package init(_ run: ChaosRun, producers: Int, workers: Int) {
        self.run = run
        self.run.roles = [.producer: producers, .worker: workers, .reaper: 1, .operator: 1]
        // So many processes on few processors: a worker that does not get its turn in time has not died.
        // Where all are stopped for longer than a lease, it has to be shorter.
        self.run.lease = run.stops + run.locks + run.freezes > 0 ? .seconds(5) : .seconds(30)
        self.run.isCalm = true
        self.run.samples = .milliseconds(500)
    }

    package func run() async throws -> ChaosRun.Report {
        var report = try await run.run()
        for role in [Role.producer, .worker] {
            let shares = report.shares[role] ?? []
            let average = Double(shares.reduce(0, +)) / Double(max(1, shares.count))
            let isDisturbed = run.kills + run.stops + run.orders + run.replacements > 0
            let least = isDisturbed ? Self.leastShareOfDisturbed : Self.leastShare
            if Double(shares.min() ?? 0) < average * least {
                report.troubles.append(
                    "a \(role) starves: the processes had \(shares.sorted()) jobs, on average \(average)")
            }
        }
        guard let sizes = report.sizes, let memory = report.memory else { return report }
        if sizes.largestLog > Self.largestLog {
            report.troubles.append("the log grew to \(sizes.largestLog >> 20) MiB")
        }
        if let growth = memory.largestGrowth, growth.to - growth.from > Self.largestGrowth {
            report.troubles.append(
                "the memory of a \(growth.role) grew from \(growth.from >> 20) to \(growth.to >> 20) MiB")
        }
        return report
    }
}
