import Foundation

/// The report as text of at most 100 columns.
struct Table {
    let report: BenchReport

    var text: String {
        ([head] + blocks + [ceilings, expectations]).filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    private var head: String {
        let (machine, settings) = (report.machine, report.settings)
        let options = StintWorkload.options(batch: settings.batchWithWait)
        return """
            SQLite \(machine.sqlite), \(machine.cores) cores, \(number(machine.memoryGiB, 0)) GiB, \(machine.system)
            synchronous=\(settings.durability.rawValue.uppercased()); this disk makes 4 KiB durable in \
            \(number(machine.syncMicroseconds, 0)) µs (median); load average \(number(machine.loadAverage, 1))
            \(number(Double(settings.jobs), 0)) jobs of \(Backlog.payload.count) bytes wait at the start; the designs \
            take turns of \(number(settings.seconds, 1)) s, the median of \(settings.rounds) counts
            "start": from the gun to the handler, of the first \(settings.burst) jobs; \
            "jobs a worker": the least lucky and the luckiest
            Stint: concurrency \(options.concurrency) a process, batch \(settings.batchWithoutWait) at 0 ms and \
            \(settings.batchWithWait) above, acks ride with the next claim
            """
    }

    // MARK: - The matrix

    private var blocks: [String] {
        let settings = report.settings
        return settings.jobMilliseconds.flatMap { jobTime in
            settings.workers.map { workers in
                block(
                    report.series.filter { $0.jobMilliseconds == jobTime && $0.workers == workers },
                    title: "\(number(jobTime, 0)) ms a job, \(workers) \(workers == 1 ? "worker" : "workers")")
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
            : "\(number(Double(row.fewestJobs), 0)) - \(number(Double(row.mostJobs), 0))"
        return line(
            row.design.title, number(row.jobsPerSecond, 0), start(row, 50, row.startMillisecondsP50),
            start(row, 99, row.startMillisecondsP99), number(Double(row.lockedErrors), 0), spread,
            ratio.map { "\(number($0, 1)) x" } ?? "")
    }

    /// A percentile that lies among jobs that were not started in time is longer than the run.
    private func start(_ row: Measurement, _ percentile: Double, _ value: Double) -> String {
        let isKnown = Double(row.burstStarted) >= Double(row.burst) * percentile / 100
        return (isKnown ? "" : ">") + number(value, value < 100 ? 1 : 0)
    }

    private func line(_ title: String, _ columns: String...) -> String {
        let widths = [9, 11, 9, 8, 17, 10]
        return title.padded(to: 32)
            + zip(columns, widths).map { $0.padded(to: $1, right: true) }.joined()
    }

    // MARK: - The ceiling

    private var ceilings: String {
        guard !report.ceilings.isEmpty else { return "" }
        let batch = report.settings.batchWithoutWait
        let header = ceiling(
            "The ceiling: one process, batch \(batch), 0 ms", "Stint/s", "plain C/s", "share", "of rounds",
            "CPU µs a job")
        let rows = report.ceilings.map { row in
            let shares = zip(row.stint, row.plainC).map { $0 / $1 }.sorted()
            return ceiling(
                "\(row.life.rawValue), \(row.durability.rawValue.uppercased())", number(row.stint.median, 0),
                number(row.plainC.median, 0), number(row.share, 2),
                "\(number(shares.first ?? 0, 2)) - \(number(shares.last ?? 0, 2))",
                "\(number(row.stintCPUMicrosecondsPerJob, 1)) : \(number(row.plainCCPUMicrosecondsPerJob, 1))")
        }
        return ([header] + rows).joined(separator: "\n")
    }

    private func ceiling(_ title: String, _ columns: String...) -> String {
        title.padded(to: 43)
            + zip(columns, [9, 11, 8, 14, 15]).map { $0.padded(to: $1, right: true) }.joined()
    }

    // MARK: - What was expected

    private var expectations: String {
        report.expectations.map { expectation in
            let verdict = expectation.isMet ? "met" : "MISSED"
            return "\(expectation.what):".padded(to: 62)
                + "\(number(expectation.reached, 2)) x, at least \(number(expectation.expected, 1)) x: \(verdict)"
        }.joined(separator: "\n")
    }

    private func number(_ value: Double, _ digits: Int) -> String {
        let text = String(format: "%.\(digits)f", value)
        guard digits == 0, value >= 1_000 else { return text }
        var grouped = ""
        for (index, digit) in text.enumerated() {
            if index > 0, (text.count - index) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        return grouped
    }
}

extension String {
    fileprivate func padded(to width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: Swift.max(0, width - count))
        return right ? space + self : self + space
    }
}
