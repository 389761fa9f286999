import Foundation

/// What bad input comes through.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// What a pipe handler writes to its standard output.
    case pipe
    /// The same of a handler under the real `stint work --pipe`.
    case handler
    /// Stored headers, and names of headers and queues.
    case headers
    /// What clients of beanstalkd send.
    case beanstalk
    /// Rows that another program has corrupted, in this process.
    case rows
    /// The same through the real command line.
    case commands
    /// The arguments of the command line.
    case arguments
    /// What `stint put` reads.
    case input
}

/// Case after case of one target.
package struct Fuzzing {
    private let target: FuzzTarget
    private let seed: UInt64

    package init(_ target: FuzzTarget, seed: UInt64) {
        self.target = target
        self.seed = seed
    }

    package struct Report: CustomStringConvertible {
        let target: FuzzTarget
        let seed: UInt64
        var cases = 0
        var failures: [(seed: UInt64, problems: [String])] = []

        package var isGood: Bool { failures.isEmpty }

        package var description: String {
            let head = "fuzz \(target.rawValue): \(cases) cases from seed \(seed), \(failures.count) went wrong"
            return
                ([head]
                + failures.map { failure in
                    "  repeat: stint-torture fuzz --target \(target.rawValue) --seed \(failure.seed) --cases 1\n"
                        + failure.problems.prefix(40).map { "    \($0)" }.joined(separator: "\n")
                }).joined(separator: "\n")
        }
    }

    /// Ends early after ten failures.
    package func run(for duration: Duration, atMost limit: Int) async throws -> Report {
        let end = ContinuousClock.now + duration
        var report = Report(target: target, seed: seed)
        let folder = try TortureFolder()
        defer { folder.remove() }
        let run = try await cases(in: folder.path)
        while report.cases < limit, report.failures.count < 10, ContinuousClock.now < end {
            let seed = seed &+ UInt64(report.cases)
            Watchdog.begin(seed: seed)
            let problems = try await run(seed)
            report.cases += 1
            if !problems.isEmpty { report.failures.append((seed, problems)) }
        }
        return report
    }

    private func cases(in folder: String) async throws -> (UInt64) async throws -> [String] {
        switch target {
        case .pipe: { ByteFuzz.pipe(seed: $0) }
        case .handler: try HandlerFuzz(in: folder).run(seed:)
        case .headers: { ByteFuzz.headers(seed: $0) }
        case .beanstalk: { ByteFuzz.beanstalk(seed: $0) }
        case .rows: try await RowFuzz(in: folder).run(seed:)
        case .commands: try await CommandFuzz(in: folder).run(seed:)
        case .arguments: try await ArgumentFuzz(in: folder).arguments(seed:)
        case .input: try await ArgumentFuzz(in: folder).input(seed:)
        }
    }
}
