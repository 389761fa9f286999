import ArgumentParser

/// How near Stint comes to what SQLite can do, over the whole life of a job.
struct CeilingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ceiling",
        abstract: "Enqueues, claims and acknowledges in one process, against the same statements in plain C.")

    @Option(help: "How often Stint and plain C take turns; the median of the rounds' shares counts.")
    var rounds = 7

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 1.0

    @Option(help: "The batch of the first three rows.")
    var batch = 64

    @Option(help: "The large payload, in bytes.")
    var payload = 50_000

    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard rounds >= 1, seconds > 0 else { throw ValidationError("--rounds and --seconds must be above 0.") }
        guard (1...1_000).contains(batch) else { throw ValidationError("A batch has between 1 and 1000 jobs.") }
        guard (1...1_000_000).contains(payload) else {
            throw ValidationError("The payload has between 1 and 1000000 bytes.")
        }
    }

    func run() async throws {
        try await common.report("ceiling") { folder in
            let comparisons = try await CeilingComparison.run(
                [
                    CeilingCase(life: .whole, durability: .full, batch: batch),
                    CeilingCase(life: .whole, durability: .normal, batch: batch),
                    CeilingCase(life: .whole, durability: .full, batch: batch, payloadBytes: payload),
                    CeilingCase(life: .whole, durability: .full, batch: 1),
                ], rounds: rounds, seconds: seconds, backlog: Backlog(folder: folder.url), jobs: 0, try Fleet())
            return CeilingFindings(rounds: rounds, seconds: seconds, comparisons: comparisons)
        }
    }
}

private struct CeilingFindings: Findings {
    let rounds: Int
    let seconds: Double
    let comparisons: [CeilingComparison]

    var grids: [Grid] { [CeilingComparison.grid(comparisons)] }

    var expectations: [Expectation] {
        zip(comparisons, [0.75, 0.65, 0.8, 0.6]).map { comparison, expected in
            Expectation("\(comparison.title): Stint to plain C", .atLeast, expected, reached: comparison.share)
        }
    }
}
