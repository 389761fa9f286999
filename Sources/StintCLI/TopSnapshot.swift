import StintCore

/// All that `stint top` reads at one moment, each part in a short transaction of its own.
struct TopSnapshot: Sendable {
    /// How many of the latest attempts that did not end well are searched for deaths.
    static let failuresSearched = 100

    let now: ClockReading
    let queues: [QueueStats]
    let workers: [WorkerSnapshot]
    /// Newest first.
    let deaths: [FailedJob]

    init(_ queue: JobQueue<some JobStore>) async throws {
        let queues = try await queue.store.stats()
        // The moment of the counts, from which the rates are made.
        let now = queue.clock.now()
        let workers = try await queue.store.workers().map { WorkerSnapshot($0, now: now) }
        let failures = try await queue.store.failures(limit: Self.failuresSearched)
        self.init(now: now, queues: queues, workers: workers, failures: failures)
    }

    init(now: ClockReading, queues: [QueueStats], workers: [WorkerSnapshot], failures: [FailedJob]) {
        self.now = now
        self.queues = queues
        self.workers = workers
        deaths = failures.filter { failed in
            switch failed.failure.kind {
            case .crashed, .expired, .lost: true
            case .failed, .buried: false
            }
        }
    }
}

/// What happened in a queue between two readings, a second.
struct QueueRates: Equatable {
    let done: Double
    /// Jobs that were put, less those that were deleted: the counts tell only both together.
    let new: Double

    static let zero = QueueRates(done: 0, new: 0)

    /// - Returns: By queue; empty where no time has passed between the two.
    static func between(_ earlier: TopSnapshot, _ later: TopSnapshot) -> [QueueName: QueueRates] {
        let time = Format.milliseconds(from: earlier.now.monotonic, to: later.now.monotonic)
        guard time > 0, later.now.boot == earlier.now.boot else { return [:] }
        let seconds = Double(time) / 1_000
        let before = Dictionary(earlier.queues.map { ($0.name, $0) }) { first, _ in first }
        var rates: [QueueName: QueueRates] = [:]
        for queue in later.queues {
            // A queue that was not there had no jobs.
            let (done, all) = before[queue.name].map { (Double($0.done), $0.all) } ?? (0, 0)
            rates[queue.name] = QueueRates(
                done: (Double(queue.done) - done) / seconds, new: (queue.all - all) / seconds)
        }
        return rates
    }
}

extension QueueStats {
    /// Every job that was ever put into it and was not deleted.
    fileprivate var all: Double { [ready, delayed, leased, buried, done].reduce(0) { $0 + Double($1) } }
}
