import ArgumentParser
import Foundation
import Stint
import StintCore

/// Does a claim cost the same whatever the size of the file?
struct FlatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flat",
        abstract: "What a claim and an ack cost in large files, against a small one; and `stats` there.",
        discussion: "Ten million jobs take about 2 GB in the folder while it runs.")

    @Option(help: "How many jobs wait in the large file.")
    var jobs = 10_000_000

    @Option(help: "How many are delayed, or buried, in the files that have such.")
    var others = 1_000_000

    @Option(help: "How many queues the file with many has.")
    var queues = 10_000

    @Option(help: "How often the aged file is emptied and refilled.")
    var refills = 100

    @Option(help: "How many jobs wait in the small file, and in the others beside what they have more.")
    var small = 10_000

    @Option(help: "How many jobs a transaction has.")
    var batch = 64

    @Option(help: "How often the files take turns; the median of the rounds' ratios counts.")
    var rounds = 15

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard jobs >= 1, others >= 1, queues >= 1, refills >= 1, rounds >= 1 else {
            throw ValidationError("The numbers of jobs, queues, refills and rounds must be above 0.")
        }
        guard (1...1_000).contains(batch) else { throw ValidationError("A batch has between 1 and 1000 jobs.") }
        guard small >= batch * 20, jobs >= small else {
            throw ValidationError("The small file needs at least 20 batches, and the large one no less than it.")
        }
    }

    func run() async throws {
        try await common.report("flat") { folder in
            let sizes = FlatSizes(small: small, ready: jobs, others: others, queues: queues, refills: refills)
            try checkSpace(folder)
            var stats: [FlatStats] = []
            for kind in FlatKind.allCases {
                say("flat, making the file: \(sizes.title(kind))")
                try await sizes.make(kind, folder.path(kind.rawValue))
                stats.append(try await FlatStats(kind, sizes.title(kind), folder.path(kind.rawValue)))
            }
            let turns = FlatTurns(folder: folder, fleet: try Fleet(), small: small, batch: batch)
            var series: [FlatSeries] = []
            for durability in SyncMode.allCases {
                say("flat, claim and ack, \(durability.rawValue)")
                series += try await turns.measure(durability, rounds: rounds, titles: sizes.title)
            }
            try turns.verify()
            return FlatFindings(sizes: sizes, batch: batch, series: series, stats: stats)
        }
    }

    /// A job is about 200 bytes on disk, and as much again for what is written meanwhile.
    private func checkSpace(_ folder: WorkFolder) throws {
        let needed = Int64(jobs + 2 * others + 4 * small) * 400
        let values = try folder.url.resourceValues(forKeys: [.volumeAvailableCapacityKey])
        if let free = values.volumeAvailableCapacity, Int64(free) < needed {
            throw BenchError(
                "\(mebibytes(needed)) are needed and \(mebibytes(Int64(free))) are free in \(folder.url.path); "
                    + "name another folder with --directory, or fewer --jobs")
        }
    }
}
