import StintCore

/// Everything that `stint top` reads at one moment, each part in a short transaction of its own.
struct TopSnapshot: Sendable {
    /// How many of the latest attempts that did not succeed are searched for deaths.
    static let failuresSearched = 100

    /// When it was read, by the wall clock.
    let time: Timestamp
    /// The same by the clock that never jumps.
    let instant: ContinuousClock.Instant
    let queues: [QueueStats]
    let workers: [WorkerSnapshot]
    /// Newest first.
    let deaths: [FailedJob]
    let schedules: [ScheduleRecord]

    init(_ queue: JobQueue<some JobStore>) async throws {
        let queues = try await queue.stats()
        // The moment of the counts, from which the rates are made.
        let (time, instant) = (wallClock(), ContinuousClock.now)
        let workers = try await queue.workers().map { WorkerSnapshot($0, now: time) }
        let failures = try await queue.failures(limit: Self.failuresSearched)
        let schedules = try await queue.schedules()
        self.init(
            time: time, instant: instant, queues: queues, workers: workers, failures: failures, schedules: schedules)
    }

    init(
        time: Timestamp, instant: ContinuousClock.Instant, queues: [QueueStats], workers: [WorkerSnapshot],
        failures: [FailedJob], schedules: [ScheduleRecord] = []
    ) {
        self.time = time
        self.instant = instant
        self.queues = queues
        self.workers = workers
        self.schedules = schedules
        deaths = failures.filter { failed in
            switch failed.failure.kind {
            case .crashed, .expired, .lost: true
            case .failed, .buried, .refused: false
            }
        }
    }
}

extension QueueStats {
    /// Every job that was ever put into it and was not deleted.
    var all: Double { JobState.allCases.reduce(0) { $0 + Double(count(of: $1)) } }
}
