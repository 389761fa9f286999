import ArgumentParser
import Foundation

/// What it brings that a supervisor writes for its workers.
struct SupervisedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervised",
        abstract: "Supervised workers through their supervisor, beside the same workers that write by themselves.")

    @Option(help: "Numbers of worker processes, separated by commas.")
    var workers = NumberList([4, 16])

    @Option(help: "How many jobs a worker claims at once, separated by commas.")
    var batch = NumberList([16, 64])

    @Option(help: "What a commit survives, separated by commas: full (a power cut), normal (a crash of the process).")
    var durability = "full,normal"

    @Option(help: "How many jobs wait at the start: more than can be done in a turn.")
    var jobs = 500_000

    @Option(help: "How often the sides take turns; the median counts.")
    var rounds = 3

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 2.0

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1, rounds >= 1, seconds > 0 else {
            throw ValidationError("Numbers of jobs and rounds, and the seconds, must be above 0.")
        }
        guard batch.values.allSatisfy({ (1...1_000).contains($0) }) else {
            throw ValidationError("A batch has between 1 and 1000 jobs.")
        }
        _ = try modes
    }

    private var modes: [SyncMode] {
        get throws {
            try durability.split(separator: ",").map { name in
                guard let mode = SyncMode(rawValue: String(name)) else {
                    throw ValidationError("--durability is \(name); it must be full or normal")
                }
                return mode
            }
        }
    }

    func run() async throws {
        try await common.report("supervised") { folder in
            let backlog = Backlog(folder: folder.url)
            let fleet = try Fleet()
            var series: [SupervisedSeries] = []
            for mode in try modes {
                for batch in batch.values.map({ Int($0) }) {
                    series.append(try await measure(mode, batch, backlog, fleet, folder))
                }
            }
            return SupervisedFindings(series: series)
        }
    }

    private func measure(
        _ mode: SyncMode, _ batch: Int, _ backlog: Backlog, _ fleet: Fleet, _ folder: WorkFolder
    ) async throws -> SupervisedSeries {
        say("supervised, \(mode.rawValue), batches of \(batch)")
        var turns: [SupervisedTurn] = []
        for round in 1...rounds {
            for workers in workers.values.map({ Int($0) }) {
                for isDirect in [false, true] {
                    let database = try await backlog.file(.stint, jobs: jobs)
                    let counts = folder.url.appendingPathComponent(
                        "counts-\(mode.rawValue)-\(batch)-\(round)-\(workers)-\(isDirect)"
                    ).path
                    let role = SupervisorRole(
                        database: database, durability: mode, workers: workers, batch: batch, isDirect: isDirect,
                        seconds: seconds, counts: counts)
                    let report = try await fleet.run([role])[0]
                    turns.append(SupervisedTurn(workers: workers, isDirect: isDirect, report: report))
                    guard
                        try SQLiteConnection(database, durability: .full).integer("SELECT count(*) FROM stint_jobs") > 0
                    else {
                        throw BenchError("all \(jobs) jobs were done before the turn was over; give more with --jobs")
                    }
                }
            }
        }
        return SupervisedSeries(durability: mode, batch: batch, turns: turns)
    }
}
