import StintCore

/// The changes in a queue between two readings, per second.
struct QueueRates: Equatable {
    let done: Double
    /// Jobs that were put minus those that were deleted: the counts show only the difference.
    let new: Double

    static let zero = QueueRates(done: 0, new: 0)

    /// - Returns: The rates by queue; empty if no time has passed between the two.
    static func between(_ earlier: TopSnapshot, _ later: TopSnapshot) -> [QueueName: QueueRates] {
        let time = later.instant - earlier.instant
        guard time > .zero else { return [:] }
        let seconds = time / .seconds(1)
        let before = Dictionary(earlier.queues.map { ($0.name, $0) }) { first, _ in first }
        var rates: [QueueName: QueueRates] = [:]
        for queue in later.queues {
            // A queue that did not exist had no jobs.
            let (done, all) = before[queue.name].map { (Double($0.done), $0.all) } ?? (0, 0)
            rates[queue.name] = QueueRates(
                done: (Double(queue.done) - done) / seconds, new: (queue.all - all) / seconds)
        }
        return rates
    }
}
