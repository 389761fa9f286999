import ArgumentParser
import Torture

/// Many processes for a long time.
struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load", abstract: "Many producers and workers at once: nothing is lost, grows or starves.")

    @Option(help: "Repeats the choices of a run.") var seed: UInt64 = .random(in: 0..<1 << 32)
    @Option(help: "How long, in seconds.") var seconds = 600
    @Option(help: "How many producers.") var producers = 64
    @Option(help: "How many worker processes.") var workers = 64
    @OptionGroup var hardships: Hardships

    func run() async throws {
        let place = try TortureFolder()
        var run = ChaosRun(seed: seed, duration: .seconds(seconds), program: try ownProgram(), folder: place.path)
        hardships.apply(to: &run, usual: [:])
        print(
            "stint-torture load --seed \(seed) --seconds \(seconds) --producers \(producers) --workers \(workers) "
                + run.options)
        let report = try await Load(run, producers: producers, workers: workers).run()
        report.tell()
        for role in [Role.producer, .worker] {
            let shares = report.shares[role] ?? []
            print("jobs of each \(role): \(shares.min() ?? 0) to \(shares.max() ?? 0)")
        }
        print("the longest call took \(report.longestCall)")
        if let sizes = report.sizes, let memory = report.memory {
            print("database: up to \(megabytes(sizes.largestFile)), log: up to \(megabytes(sizes.largestLog))")
            if let growth = memory.largestGrowth {
                print(
                    "memory: no process grew by more than a \(growth.role), from \(megabytes(growth.from)) to "
                        + megabytes(growth.to))
            }
        }
        try conclude(report.problems, place)
    }

    private func megabytes(_ bytes: Int64) -> String { "\(bytes >> 20) MiB" }
}
