import ArgumentParser
import Stint
import StintCore

/// How soon an idle worker starts a job that another process enqueues, over LISTEN.
struct PostgresWakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake",
        abstract: "From the enqueue in one process to the start of the handler in another, in PostgreSQL.")

    @OptionGroup var options: WakeOptions

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let seed = options.seed ?? .random(in: 1...999_999)
        try await common.report("postgres wake") { _ in
            try await server.withServer { server in
                let database = try await server.database()
                let queue = try await BenchQueue(at: database)
                let series = try await options.measure(
                    [.enqueue, .delayed, .kick, .resume], database, queue, seed: seed)
                return WakeFindings(seed: seed, longestMedian: 5, longestP99: nil, series: series)
            }
        }
    }
}
