/// A ratio that Stint is expected to reach on two cores, and what it reached in this run.
struct Expectation: Codable, Sendable {
    let what: String
    let expected: Double
    let reached: Double

    var isMet: Bool { reached >= expected }

    /// Those of which both sides were measured, with `synchronous=FULL`.
    static func all(_ measurements: [Measurement], _ ceilings: [CeilingComparison]) -> [Expectation] {
        var expectations: [Expectation] = []
        func rate(_ design: Design, _ jobMilliseconds: Double, _ workers: Int) -> Double? {
            measurements.first {
                $0.design == design && $0.jobMilliseconds == jobMilliseconds && $0.workers == workers
                    && $0.durability == .full && $0.jobsPerSecond > 0
            }?.jobsPerSecond
        }
        if let stint = rate(.stint, 2, 16), let held = rate(.jobInTransaction, 2, 16) {
            expectations.append(
                Expectation(
                    what: "2 ms a job, 16 workers: Stint to design 2", expected: 12, reached: stint / held))
        }
        if let stint = rate(.stint, 0, 4), let best = Design.naive.compactMap({ rate($0, 0, 4) }).max() {
            expectations.append(
                Expectation(
                    what: "0 ms a job, 4 workers: Stint to the best naive design", expected: 15, reached: stint / best))
        }
        if let ceiling = ceilings.first(where: { $0.life == .claimAndAck && $0.durability == .full }) {
            expectations.append(
                Expectation(
                    what: "claim and ack, one process: Stint to plain C", expected: 0.5, reached: ceiling.share))
        }
        return expectations
    }
}
