import ArgumentParser
import Foundation

/// What it brings that a supervisor writes for its workers.
struct SupervisedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervised",
        abstract: "Supervised workers through their supervisor, beside the same workers that write by themselves.")

    @Option(help: "What a commit survives, separated by commas: full (a power cut), normal (a crash of the process).")
    var durability = "full,normal"

    @Option(help: "How many jobs wait at the start: more than can be done in a turn.")
    var jobs = 500_000

    @OptionGroup var options: SupervisedOptions

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1 else { throw ValidationError("The number of jobs must be above 0.") }
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
            var series: [SupervisedSeries] = []
            for mode in try modes {
                for batch in options.batches {
                    series.append(
                        try await options.measure(mode, batch: batch, jobs: jobs, in: folder) { work in
                            let database = try await backlog.file(.stint, jobs: jobs)
                            try await work(database)
                            return try SQLiteConnection(database, durability: .full).integer(
                                "SELECT count(*) FROM stint_jobs")
                        })
                }
            }
            return SupervisedFindings(series: series)
        }
    }
}
