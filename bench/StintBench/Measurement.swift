import Histogram

/// One run of one design.
struct Measurement: Codable, Sendable {
    let design: Design
    let durability: SyncMode
    /// Design 1 has one, whatever the number.
    let workers: Int
    let jobMilliseconds: Double
    let batch: Int
    let backlog: Int
    let burst: Int
    let tasks: Int

    let done: Int
    let enqueued: Int
    /// From the barrier to when the last worker had its work on disk.
    let seconds: Double
    let jobsPerSecond: Double
    /// Of all workers together. Unlike the time, it depends little on what else the machine does.
    let cpuMicrosecondsPerJob: Double
    /// Of the burst, from the barrier to the start of the handler. If a job was not started in time, the run's length
    /// is used instead, and `burstStarted` is smaller than `burst`.
    let startMillisecondsP50: Double
    let startMillisecondsP99: Double
    let burstStarted: Int
    let lockedErrors: Int
    let lostRaces: Int
    /// Jobs done by the least lucky and the luckiest worker.
    let fewestJobs: Int
    let mostJobs: Int
    let jobsByWorker: [Int]
    /// How long single calls of the store took in any process, if the design records it.
    let waits: Waits?

    init(_ assignment: Assignment, workers: Int, backlog: Int, reports: [WorkerReport]) {
        design = assignment.design
        durability = assignment.durability
        self.workers = workers
        jobMilliseconds = Double(assignment.jobMicroseconds) / 1_000
        batch = assignment.batch
        self.backlog = backlog
        tasks = assignment.tasks
        burst = min(assignment.burst, backlog)
        done = reports.reduce(0) { $0 + $1.done }
        enqueued = reports.reduce(0) { $0 + $1.enqueued }
        seconds = Double(reports.map(\.finished).max() ?? 0) / 1e9
        jobsPerSecond = seconds > 0 ? Double(done) / seconds : 0
        let cpu = reports.reduce(0) { $0 + $1.cpuMicroseconds }
        // If a run only enqueues, that is its work.
        let jobs = done > 0 ? done : enqueued
        cpuMicrosecondsPerJob = jobs > 0 ? Double(cpu) / Double(jobs) : 0

        var latencies = Latencies.empty
        for report in reports { latencies.record(pairs: report.latencies) }
        burstStarted = Int(latencies.totalCount)
        let missing = max(0, burst - burstStarted)
        if missing > 0 { latencies.record(UInt64(seconds * 1e6), count: UInt64(missing)) }
        startMillisecondsP50 = Double(latencies.valueAtPercentile(50)) / 1_000
        startMillisecondsP99 = Double(latencies.valueAtPercentile(99)) / 1_000
        lockedErrors = reports.reduce(0) { $0 + $1.lockedErrors }
        lostRaces = reports.reduce(0) { $0 + $1.lostRaces }
        jobsByWorker = reports.prefix(workers).map(\.done)
        fewestJobs = jobsByWorker.min() ?? 0
        mostJobs = jobsByWorker.max() ?? 0
        waits = Waits(reports.map(\.waits))
    }

    /// The least lucky worker's share of what a worker did on average.
    var leastToAverage: Double {
        done > 0 ? Double(fewestJobs * workers) / Double(done) : 0
    }
}

/// A distribution of times.
struct Waits: Codable, Sendable {
    let calls: Int
    let millisecondsP50: Double
    let millisecondsP99: Double
    let millisecondsLongest: Double
    /// Pairs of a percentile and milliseconds.
    let percentiles: [[Double]]

    init?(_ pairs: [[[UInt64]]]) {
        var all = Latencies.empty
        for pairs in pairs { all.record(pairs: pairs) }
        guard all.totalCount > 0 else { return nil }
        calls = Int(all.totalCount)
        millisecondsP50 = Double(all.valueAtPercentile(50)) / 1_000
        millisecondsP99 = Double(all.valueAtPercentile(99)) / 1_000
        millisecondsLongest = Double(all.valueAtPercentile(100)) / 1_000
        percentiles = [0, 1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9, 99.99, 100].map {
            [$0, Double(all.valueAtPercentile($0)) / 1_000]
        }
    }
}
