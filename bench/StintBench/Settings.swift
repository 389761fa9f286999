/// The settings of a run; printed and written with the results.
struct Settings: Codable, Sendable {
    var designs: [Design]
    var workers: [Int]
    var jobMilliseconds: [Double]
    var durability: SyncMode
    /// How many jobs wait at the start of a run.
    var jobs: Int
    var burst: Int
    /// How often the designs take turns.
    var rounds: Int
    /// How long a turn lasts.
    var seconds: Double
    /// Stint's batch if a job takes no time, and if it does.
    var batchWithoutWait: Int
    var batchWithWait: Int
    var ceilingRounds: Int
    var ceilingSeconds: Double

    func batch(jobMilliseconds: Double) -> Int { jobMilliseconds > 0 ? batchWithWait : batchWithoutWait }
}
