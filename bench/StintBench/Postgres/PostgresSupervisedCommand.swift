import ArgumentParser
import Foundation
import Stint
import StintCore
import StintPostgres

/// What it brings, or costs, that a supervisor uses a PostgreSQL server for its workers.
struct PostgresSupervisedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervised",
        abstract:
            "Supervised workers through their supervisor, beside the same workers that use PostgreSQL by themselves.")

    @Option(help: "How many jobs wait at the start: more than can be done in a turn.")
    var jobs = 200_000

    @OptionGroup var options: SupervisedOptions

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1 else { throw ValidationError("The number of jobs must be above 0.") }
    }

    func run() async throws {
        try await common.report("postgres supervised") { folder in
            try await server.withServer { server in
                var series: [SupervisedSeries] = []
                for batch in options.batches {
                    series.append(
                        try await options.measure(.full, batch: batch, jobs: jobs, in: folder) { work in
                            let database = try await server.database()
                            try await fill(database)
                            try await server.checkpoint()
                            try await work(database)
                            let left = try await server.ask("SELECT count(*) FROM stint.jobs", in: database)[0].int(0)
                            try await server.drop(database)
                            return left
                        })
                }
                return PostgresSupervisedFindings(server: server.facts, series: series)
            }
        }
    }

    private func fill(_ database: String) async throws {
        let queue = try await BenchQueue(at: database)
        let job = try NewJob(Backlog.payload, in: StintWorkload.queue)
        for first in stride(from: 0, to: jobs, by: 1_000) {
            try await queue.enqueue(jobs: Array(repeating: job, count: min(1_000, jobs - first)))
        }
        await queue.store.close()
    }
}

struct PostgresSupervisedFindings: Findings {
    let server: String
    let series: [SupervisedSeries]

    var grids: [Grid] { series.map(\.grid) }

    var expectations: [Expectation] {
        series.filter { $0.workers.contains(16) }.map { series in
            Expectation(
                "16 workers, batches of \(series.batch): to each by itself", .atLeast, 0.9,
                reached: series.ratio((16, false), (16, true)))
        }
    }
}
