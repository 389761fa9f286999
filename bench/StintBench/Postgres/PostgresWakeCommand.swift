import ArgumentParser
import Stint
import StintCore

/// How soon an idle worker starts a job that another process enqueues, over LISTEN.
struct PostgresWakeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wake",
        abstract: "From the enqueue in one process to the start of the handler in another, in PostgreSQL.")

    @Option(help: "How many single enqueues, with pauses of 20 to 60 ms before each.")
    var jobs = 500

    @Option(help: "How many jobs of each other kind: delayed, kicked, resumed.")
    var others = 100

    @Option(help: "What the pauses are drawn from; a new one by default.")
    var seed: UInt64?

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1, others >= 0 else {
            throw ValidationError("--jobs must be above 0 and --others not below it.")
        }
    }

    func run() async throws {
        let seed = seed ?? .random(in: 1...999_999)
        try await common.report("postgres wake") { _ in
            try await server.withServer { server in
                let database = try await server.database()
                let queue = try await BenchQueue(at: database)
                var series: [WakeSeries] = []
                for kind in [WakeKind.enqueue, .delayed, .kick, .resume] {
                    let times = kind == .enqueue ? jobs : others
                    if times > 0 {
                        say("wake, \(kind.title)")
                        series.append(try await WakeSeries(measuring: kind, times, database, queue, seed: seed))
                    }
                }
                return WakeFindings(seed: seed, longestMedian: 5, longestP99: nil, series: series)
            }
        }
    }
}
