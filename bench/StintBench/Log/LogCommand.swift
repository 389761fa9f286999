import ArgumentParser
import Stint
import StintCore
import TestSupport

/// How long the write-ahead log gets under full load, and with a reader that stays open.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "The size of the write-ahead log under full load, alone and beside a reader.")

    @Option(help: "How many processes enqueue, claim and acknowledge.")
    var workers = 4

    @Option(help: "How many jobs a transaction has.")
    var batch = 16

    @Option(help: "How long each of the two runs lasts, in seconds.")
    var seconds = 10.0

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard workers >= 1, seconds > 0 else { throw ValidationError("--workers and --seconds must be above 0.") }
        guard (1...1_000).contains(batch) else { throw ValidationError("A batch has between 1 and 1000 jobs.") }
    }

    func run() async throws {
        try await common.report("log") { folder in
            let backlog = Backlog(folder: folder.url)
            let fleet = try Fleet()
            let alone = try await measure(backlog, fleet, withReader: false)
            let beside = try await measure(backlog, fleet, withReader: true)
            return LogFindings(alone: alone, besideReader: beside)
        }
    }

    private func measure(_ backlog: Backlog, _ fleet: Fleet, withReader: Bool) async throws -> LogRun {
        say("log, \(count(workers, "worker"))\(withReader ? ", beside a reader" : "")")
        // Some jobs wait already, so that there is something to read.
        let jobs = 1_000
        let database = try await backlog.file(.stintLife, jobs: jobs)
        let assignment = Assignment(
            design: .stintLife, database: database, durability: .full, batch: batch, seconds: seconds, keepsIDs: true)
        let sampler = SizeSampler(database)
        let roles = Array(repeating: assignment, count: workers)
        let work: @Sendable () async throws -> [WorkerReport] = { try await fleet.run(roles) }
        let reports: [WorkerReport]
        if withReader {
            let results = Results()
            _ = try await fleet.run([ReaderRole(database: database)]) { _ in await results.set(try await work()) }
            reports = await results.reports
        } else {
            reports = try await work()
        }
        let sizes = sampler.stop()
        try Verification(assignment: assignment, jobs: jobs, reports: reports).check()
        return LogRun(Measurement(assignment, workers: workers, backlog: jobs, reports: reports), sizes)
    }
}

/// What came out beside the reader.
private actor Results {
    private(set) var reports: [WorkerReport] = []

    func set(_ reports: [WorkerReport]) {
        self.reports = reports
    }
}

private struct LogRun: Encodable {
    let measurement: Measurement
    let sizes: SizeSampler.Sizes

    init(_ measurement: Measurement, _ sizes: SizeSampler.Sizes) {
        self.measurement = measurement
        self.sizes = sizes
    }
}

private struct LogFindings: Findings {
    let alone: LogRun
    let besideReader: LogRun

    private var ratio: Double {
        alone.measurement.jobsPerSecond > 0
            ? besideReader.measurement.jobsPerSecond / alone.measurement.jobsPerSecond : 0
    }

    var grids: [Grid] {
        var grid = Grid(
            "FULL, enqueue, claim and ack, \(count(alone.measurement.workers, "worker"))", "jobs/s", "largest log",
            "largest file", "looks")
        for (title, run) in [("alone", alone), ("beside a reader that stays open", besideReader)] {
            grid.add(
                title, run.measurement.jobsPerSecond.text(), mebibytes(run.sizes.largestLog),
                mebibytes(run.sizes.largestFile), Double(run.sizes.samples).text())
        }
        grid.add("beside the reader to alone", "\(ratio.text(2)) x", "", "", "")
        return [grid]
    }

    var expectations: [Expectation] {
        [
            Expectation(
                "the largest log under full load", .atMost, Double(logLimit) / 1_048_576,
                reached: Double(alone.sizes.largestLog) / 1_048_576, unit: "MiB"),
            Expectation("the rate of work beside a reader to the one alone", .atLeast, 0.5, reached: ratio),
        ]
    }
}

func mebibytes(_ bytes: Int64) -> String { "\((Double(bytes) / 1_048_576).text(1)) MiB" }

/// The log's limit: Stint's journal_size_limit.
let logLimit: Int64 = 16_777_216
