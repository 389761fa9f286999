import ArgumentParser

/// Is the write lock shared out fairly, and what does that cost? Many processes at once on one file, with Stint's write
/// gate and without it.
struct ContentionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contention",
        abstract: "Many processes claim and acknowledge at once: Stint's write gate against SQLite's busy timeout.")

    @Option(help: "How many processes claim and acknowledge.")
    var workers = 16

    @Option(help: "How many processes enqueue beside them, for the second table; 0: no second table.")
    var producers = 4

    @Option(help: "How many jobs a transaction has.")
    var batch = 16

    @Option(help: "How many jobs wait at the start: more than can be done in a turn.")
    var jobs = 400_000

    @Option(help: "How often the two sides take turns; the median counts.")
    var rounds = 3

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 5.0

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard workers >= 1, producers >= 0, jobs >= 1, rounds >= 1, seconds > 0 else {
            throw ValidationError("Numbers of processes, jobs and rounds, and the seconds, must be above 0.")
        }
        guard (1...1_000).contains(batch) else { throw ValidationError("A batch has between 1 and 1000 jobs.") }
    }

    func run() async throws {
        try await common.report("contention") { folder in
            let backlog = Backlog(folder: folder.url)
            let fleet = try Fleet()
            var comparisons: [ContentionComparison] = []
            for producers in producers > 0 ? [0, producers] : [0] {
                comparisons.append(try await compare(producers: producers, backlog, fleet))
            }
            return ContentionFindings(comparisons: comparisons)
        }
    }

    private func compare(producers: Int, _ backlog: Backlog, _ fleet: Fleet) async throws -> ContentionComparison {
        say("contention, \(count(workers, "worker")), \(count(producers, "producer"))")
        var rounds: [WriteLockSide: [Measurement]] = [:]
        for _ in 0..<self.rounds {
            for side in WriteLockSide.allCases {
                let assignment = Assignment(
                    design: .stintExchange, durability: .full, batch: batch, seconds: seconds, writeLock: side)
                let measurement = try await fleet.measure(
                    assignment, workers: workers, producers: producers, jobs: jobs, on: backlog)
                guard measurement.done < jobs + measurement.enqueued else {
                    throw BenchError("all \(jobs) jobs were done before the turn was over; give more with --jobs")
                }
                rounds[side, default: []].append(measurement)
            }
        }
        return ContentionComparison(
            workers: workers, producers: producers, gate: rounds[.gate] ?? [], busyTimeout: rounds[.busyTimeout] ?? [])
    }
}
