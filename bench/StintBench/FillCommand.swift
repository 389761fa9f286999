import ArgumentParser
import Foundation
import Stint
import StintCore

/// Enqueues jobs through the public interface and prints how long that took: Stint's part when it is measured beside
/// other programs.
struct FillCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fill",
        abstract: "Enqueues jobs of \(Backlog.payload.count) bytes in queue '\(StintWorkload.queue)', durably.")

    @Argument(help: "The database, a file or postgres://…; what is missing is created.")
    var file: String

    @Argument(help: "How many jobs.")
    var jobs: Int

    @Option(help: "How many of them make a transaction.")
    var batch = 16

    func validate() throws {
        guard jobs >= 1, batch >= 1 else {
            throw ValidationError("The number of jobs and --batch must be at least 1.")
        }
    }

    func run() async throws {
        let queue = try await BenchQueue(at: file)
        let job = try NewJob(Backlog.payload, in: StintWorkload.queue)
        let start = MonotonicClock.nanoseconds()
        for first in stride(from: 0, to: jobs, by: batch) {
            try await queue.enqueue(jobs: Array(repeating: job, count: min(batch, jobs - first)))
        }
        let result = Result(jobs: jobs, seconds: Double(MonotonicClock.nanoseconds() - start) / 1e9)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        print(String(decoding: try encoder.encode(result), as: UTF8.self))
    }

    private struct Result: Encodable {
        let jobs: Int
        let seconds: Double
    }
}
