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

    @Option(help: "Numbers of worker processes, separated by commas.")
    var workers = NumberList([4, 16])

    @Option(help: "How many jobs a worker claims at once, separated by commas.")
    var batch = NumberList([16, 64])

    @Option(help: "How many jobs wait at the start: more than can be done in a turn.")
    var jobs = 200_000

    @Option(help: "How often the sides take turns; the median counts.")
    var rounds = 3

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 2.0

    @OptionGroup var server: ServerOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1, rounds >= 1, seconds > 0 else {
            throw ValidationError("Numbers of jobs and rounds, and the seconds, must be above 0.")
        }
        guard batch.values.allSatisfy({ (1...1_000).contains($0) }) else {
            throw ValidationError("A batch has between 1 and 1000 jobs.")
        }
    }

    func run() async throws {
        try await common.report("postgres supervised") { folder in
            try await server.withServer { server in
                let fleet = try Fleet()
                var series: [SupervisedSeries] = []
                for batch in batch.values.map({ Int($0) }) {
                    say("supervised, batches of \(batch)")
                    var turns: [SupervisedTurn] = []
                    for round in 1...rounds {
                        for workers in workers.values.map({ Int($0) }) {
                            for isDirect in [false, true] {
                                let counts = folder.url.appendingPathComponent(
                                    "counts-\(batch)-\(round)-\(workers)-\(isDirect)"
                                ).path
                                turns.append(try await turn(workers, batch, isDirect, counts, server, fleet))
                            }
                        }
                    }
                    series.append(SupervisedSeries(durability: .full, batch: batch, turns: turns))
                }
                return PostgresSupervisedFindings(server: server.facts, series: series)
            }
        }
    }

    private func turn(
        _ workers: Int, _ batch: Int, _ isDirect: Bool, _ counts: String, _ server: BenchServer, _ fleet: Fleet
    ) async throws -> SupervisedTurn {
        let database = try await server.database()
        try await fill(database)
        try await server.checkpoint()
        let role = SupervisorRole(
            database: database, durability: .full, workers: workers, batch: batch, isDirect: isDirect,
            seconds: seconds, counts: counts)
        let report = try await fleet.run([role])[0]
        guard try await server.ask("SELECT count(*) FROM stint.jobs", in: database)[0].int(0) > 0 else {
            throw BenchError("all \(jobs) jobs were done before the turn was over; give more with --jobs")
        }
        try await server.drop(database)
        return SupervisedTurn(workers: workers, isDirect: isDirect, report: report)
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
