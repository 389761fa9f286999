import ArgumentParser
import Foundation

/// What both comparisons of supervised workers share.
struct SupervisedOptions: ParsableArguments {
    @Option(help: "Numbers of worker processes, separated by commas.")
    var workers = NumberList([4, 16])

    @Option(help: "How many jobs a worker claims at once, separated by commas.")
    var batch = NumberList([16, 64])

    @Option(help: "How often the sides take turns; the median counts.")
    var rounds = 3

    @Option(help: "How long a turn lasts, in seconds.")
    var seconds = 2.0

    var batches: [Int] { batch.values.map { Int($0) } }

    func validate() throws {
        guard rounds >= 1, seconds > 0 else {
            throw ValidationError("The number of rounds, and the seconds, must be above 0.")
        }
        guard batch.values.allSatisfy({ (1...1_000).contains($0) }) else {
            throw ValidationError("A batch has between 1 and 1000 jobs.")
        }
    }

    /// All turns with one durability and one batch: for each number of workers both sides, one after the other.
    ///
    /// - Parameter database: Called for each turn with its work on a new database that is full of jobs. It returns how many jobs
    ///   were left.
    func measure(
        _ durability: SyncMode, batch: Int, jobs: Int, in folder: WorkFolder,
        onDatabase database: (_ work: (String) async throws -> Void) async throws -> Int64
    ) async throws -> SupervisedSeries {
        say("supervised, \(durability.rawValue), batches of \(batch)")
        let fleet = try Fleet()
        var turns: [SupervisedTurn] = []
        for round in 1...rounds {
            for workers in workers.values.map({ Int($0) }) {
                for isDirect in [false, true] {
                    let counts = folder.url.appendingPathComponent(
                        "counts-\(durability.rawValue)-\(batch)-\(round)-\(workers)-\(isDirect)"
                    ).path
                    let left = try await database { address in
                        let role = SupervisorRole(
                            database: address, durability: durability, workers: workers, batch: batch,
                            isDirect: isDirect, seconds: seconds, counts: counts)
                        let report = try await fleet.run([role])[0]
                        turns.append(SupervisedTurn(workers: workers, isDirect: isDirect, report: report))
                    }
                    guard left > 0 else {
                        throw BenchError("all \(jobs) jobs were done before the turn was over; give more with --jobs")
                    }
                }
            }
        }
        return SupervisedSeries(durability: durability, batch: batch, turns: turns)
    }
}
