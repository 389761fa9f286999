extension Expectation {
    /// The expectations of `run` for which both sides were measured, with `synchronous=FULL`.
    static func all(_ settings: Settings, _ series: [Series], _ ceilings: [CeilingComparison]) -> [Expectation] {
        var expectations: [Expectation] = []
        func find(_ design: Design, _ jobMilliseconds: Double, _ workers: Int) -> Series? {
            guard settings.durability == .full else { return nil }
            return series.first {
                $0.design == design && $0.jobMilliseconds == jobMilliseconds && $0.workers == workers
            }
        }
        if let stint = find(.stint, 2, 16), let ratio = find(.jobInTransaction, 2, 16).flatMap(stint.ratio) {
            expectations.append(
                Expectation("2 ms a job, 16 workers: Stint to design 2", .atLeast, 12, reached: ratio))
        }
        if let stint = find(.stint, 0, 4),
            let ratio = Design.naive.compactMap({ find($0, 0, 4).flatMap(stint.ratio) }).min()
        {
            expectations.append(
                Expectation("0 ms a job, 4 workers: Stint to the best naive design", .atLeast, 15, reached: ratio))
        }
        if let ceiling = ceilings.first(where: { $0.life == .claimAndAck && $0.durability == .full }) {
            expectations.append(
                Expectation("claim and ack, one process: Stint to plain C", .atLeast, 0.5, reached: ceiling.share))
        }
        return expectations
    }
}
