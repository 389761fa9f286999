import ArgumentParser
import Stint
import StintCore
import TestSupport

/// Does a file that is filled, drained and filled again stay as large as it was, and its log within its limit?
struct ChurnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "churn", abstract: "Fills and drains a file again and again, and looks how large it gets.")

    @Option(help: "How many jobs fill it.")
    var jobs = 1_000_000

    @Option(help: "How often it is filled and drained after the first time.")
    var refills = 1

    @Option(help: "How many jobs a transaction that drains has.")
    var batch = 64

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1, refills >= 1 else { throw ValidationError("--jobs and --refills must be above 0.") }
        guard (1...1_000).contains(batch) else { throw ValidationError("A batch has between 1 and 1000 jobs.") }
    }

    func run() async throws {
        try await common.report("churn") { folder in
            let database = folder.path("churn.db")
            let queue = try await JobQueue(.sqlite(database))
            let sampler = SizeSampler(database)
            defer { _ = sampler.stop() }
            var cycles: [SizeSampler.Sizes] = []
            for cycle in 0...refills {
                say("churn, filling and draining, \(cycle + 1) of \(refills + 1)")
                try await queue.refill(jobs)
                let drained = try await queue.drain(batch: batch)
                guard drained == jobs else { throw BenchError("of \(jobs) jobs \(drained) were drained") }
                cycles.append(sampler.take())
            }
            return ChurnFindings(jobs: jobs, batch: batch, cycles: cycles)
        }
    }
}

private struct ChurnFindings: Findings {
    let jobs: Int
    let batch: Int
    let cycles: [SizeSampler.Sizes]

    var grids: [Grid] {
        var grid = Grid(
            "FULL, \(count(jobs, "job")), filled by 1,000, drained by \(batch)", "largest file", "largest log", "looks")
        for (index, cycle) in cycles.enumerated() {
            grid.add(
                index == 0 ? "the first time" : "again", mebibytes(cycle.largestFile), mebibytes(cycle.largestLog),
                Double(cycle.samples).text())
        }
        return [grid]
    }

    var expectations: [Expectation] {
        let first = Double(cycles[0].largestFile)
        let later = Double(cycles.dropFirst().map(\.largestFile).max() ?? 0)
        let log = Double(cycles.map(\.largestLog).max() ?? 0)
        return [
            Expectation(
                "the file when refilled to its first peak", .atMost, 1.1, reached: first > 0 ? later / first : 0),
            Expectation(
                "the largest log all the way", .atMost, Double(logLimit) / 1_048_576, reached: log / 1_048_576,
                unit: "MiB"),
        ]
    }
}
