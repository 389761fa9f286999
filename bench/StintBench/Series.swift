/// The rounds of one design with one number of workers and one job time.
struct Series: Codable, Sendable {
    let design: Design
    let workers: Int
    let jobMilliseconds: Double
    let rounds: [Measurement]

    /// The round with the median throughput; the table shows it.
    var typical: Measurement? {
        rounds.sorted { $0.jobsPerSecond < $1.jobsPerSecond }.dropFirst((rounds.count - 1) / 2).first
    }

    /// How many times faster than another design: the median over the rounds, each against its neighbour in time.
    func ratio(to other: Series) -> Double? {
        let ratios = zip(rounds, other.rounds).filter { $1.jobsPerSecond > 0 }.map {
            $0.jobsPerSecond / $1.jobsPerSecond
        }
        return ratios.isEmpty ? nil : ratios.median
    }
}
