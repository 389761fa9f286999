import ArgumentParser
import Stint
import StintCore

/// How soon an idle worker starts a job that another process makes ready.
struct WakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake",
        abstract: "From the enqueue in one process to the start of the handler in another that sleeps.")

    @OptionGroup var options: WakeOptions

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let seed = options.seed ?? .random(in: 1...999_999)
        try await common.report("wake") { folder in
            let database = folder.path("wake.db")
            let queue = try await BenchQueue(at: database)
            try await queue.resume(StintWorkload.queue)
            let series = try await options.measure(WakeKind.allCases, database, queue, seed: seed)
            return WakeFindings(seed: seed, longestMedian: 1, longestP99: 5, series: series)
        }
    }
}
