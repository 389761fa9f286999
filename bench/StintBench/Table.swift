import Foundation

/// The report as text of at most 100 columns.
struct Table {
    let report: BenchReport

    var text: String {
        ([head] + blocks + [ceilings, report.expectations.text]).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var head: String {
        let (machine, settings) = (report.machine, report.settings)
        let options = StintWorkload.options(batch: settings.batchWithWait)
        return """
            \(machine.text)
            synchronous=\(settings.durability.rawValue.uppercased())
            \(Double(settings.jobs).text()) jobs of \(Backlog.payload.count) bytes wait at the start; the designs \
            take turns of \(settings.seconds.text(1)) s, the median of \(settings.rounds) counts
            "start": from the barrier to the handler, of the first \(settings.burst) jobs; \
            "jobs a worker": the least lucky and the luckiest
            Stint: concurrency \(options.concurrency) a process, batch \(settings.batchWithoutWait) at 0 ms and \
            \(settings.batchWithWait) above, acks ride with the next claim
            """
    }

    private var ceilings: String {
        guard !report.ceilings.isEmpty else { return "" }
        return CeilingComparison.grid(report.ceilings).text
    }

    // MARK: - The matrix

    private var blocks: [String] {
        let settings = report.settings
        return settings.jobMilliseconds.flatMap { jobTime in
            settings.workers.map { workers in
                block(
                    report.series.filter { $0.jobMilliseconds == jobTime && $0.workers == workers },
                    title: "\(jobTime.text()) ms a job, \(workers) \(workers == 1 ? "worker" : "workers")")
            }
        }
    }

    private func block(_ series: [Series], title: String) -> String {
        let stint = series.first { $0.design == .stint }
        let header = line(title, "jobs/s", "start p50", "p99 ms", "locked", "jobs a worker", "Stint is")
        let rows = series.compactMap { series in series.typical.map { row(series, $0, stint) } }
        return ([header] + rows).joined(separator: "\n")
    }

    private func row(_ series: Series, _ row: Measurement, _ stint: Series?) -> String {
        let ratio = series.design == .stint ? nil : stint?.ratio(to: series)
        let spread =
            row.workers < series.workers
            ? "\(row.workers) of \(series.workers) works"
            : "\(Double(row.fewestJobs).text()) - \(Double(row.mostJobs).text())"
        return line(
            row.design.title, row.jobsPerSecond.text(), start(row, 50, row.startMillisecondsP50),
            start(row, 99, row.startMillisecondsP99), Double(row.lockedErrors).text(), spread,
            ratio.map { "\($0.text(1)) x" } ?? "")
    }

    /// A percentile that lies among jobs that were not started in time is longer than the run.
    private func start(_ row: Measurement, _ percentile: Double, _ value: Double) -> String {
        let isKnown = Double(row.burstStarted) >= Double(row.burst) * percentile / 100
        return (isKnown ? "" : ">") + value.text(value < 100 ? 1 : 0)
    }

    private func line(_ title: String, _ columns: String...) -> String {
        let widths = [9, 11, 9, 8, 17, 10]
        return title.padded(to: 32)
            + zip(columns, widths).map { $0.padded(to: $1, right: true) }.joined()
    }
}
