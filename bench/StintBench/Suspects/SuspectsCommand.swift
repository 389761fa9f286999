import ArgumentParser
import Foundation
import Stint
import StintCore
import StintPlatform
import Subprocess

/// The cost of suspects to the jobs beside them: suspects run with nothing else in their process, and that must keep no
/// worker idle.
struct SuspectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspects",
        abstract: "Measures `stint work` with suspects in the queue, beside a long job.",
        discussion: """
            One job takes long, the others a few milliseconds each; some are suspects. It prints how many of the others
            are done a second while the long one runs, and how long all take, with suspects and without.
            """)

    @Option(help: "The program to measure: stint, perhaps an older one.")
    var program: String

    @Option(help: "How many suspects.")
    var suspects = 8

    @Option(help: "How many worker processes, with four jobs at once each.")
    var workers = 1

    @Option(help: "How long the long job takes, in seconds.")
    var seconds = 5

    @Option(help: "How often; the median counts.")
    var rounds = 3

    @Option(help: "The folder for the files, on the disk to measure.")
    var directory: String?

    func run() async throws {
        let workFolder = try WorkFolder(in: directory)
        defer { workFolder.remove() }
        for count in [0, suspects] {
            var rates: [Double] = []
            var times: [Double] = []
            for round in 1...rounds {
                let result = try await measure(workFolder.path("\(count)-\(round).db"), suspects: count)
                rates.append(result.rate)
                times.append(result.time)
            }
            print(
                "\(count) suspects, \(workers) worker(s): \(rates.median.text()) jobs/s beside the long job, all done "
                    + "after \((times.median * 10).rounded() / 10) s")
        }
    }

    /// - Returns: How many of the others are done per second while the long job runs, and how long all take.
    private func measure(_ file: String, suspects count: Int) async throws -> (rate: Double, time: Double) {
        let queue = try await JobQueue(.sqlite(file))
        try await queue.retain(.seconds(3_600), in: .default)
        let first = JobOptions(priority: 1)
        try await queue.enqueue(payload: Array("\(seconds)".utf8), options: first)
        let ids = try await queue.enqueue(
            jobs: (0..<count).map { _ in try NewJob(Array("0.05".utf8), in: .default) }
        ).map(\.id.description)
        let others = 400 * seconds
        try await queue.enqueue(jobs: try (0..<others).map { _ in try NewJob(Array("0.002".utf8), in: .default) })
        try SQLiteConnection(file, durability: .full, busyTimeout: 5_000)
            .execute("UPDATE stint_ready SET suspect = 1 WHERE job_id IN (\(ids.joined(separator: ", ")))")
        let script = "read time; sleep $time"
        let start = MonotonicClock.nanoseconds()
        let result = try await Subprocess.run(
            .path(FilePath(program)),
            arguments: [
                "work", "--db", file, "--drain", "--workers", "\(workers)", "--concurrency", "4", "--", "sh", "-c",
                script,
            ],
            input: .none, output: .discarded, error: .discarded
        ) { _ in
            try await Task.sleep(for: .seconds(seconds))
            return try await queue.store.stats().reduce(0) { $0 + $1.done }
        }
        guard result.terminationStatus.isSuccess else { throw BenchError("stint work: \(result.terminationStatus)") }
        let time = Double(MonotonicClock.nanoseconds() - start) / 1e9
        return (Double(result.closureResult) / Double(seconds), time)
    }
}
