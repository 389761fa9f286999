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

    let done: Int
    /// From the gun to when the last worker had its work on disk.
    let seconds: Double
    let jobsPerSecond: Double
    /// Of all workers together. Unlike the time, it does not depend on what else the machine does.
    let cpuMicrosecondsPerJob: Double
    /// Of the burst, from the gun to the start of the handler. Where a job was not started in time the run's length
    /// stands for it, and `burstStarted` is smaller than `burst`.
    let startMillisecondsP50: Double
    let startMillisecondsP99: Double
    let burstStarted: Int
    let lockedErrors: Int
    let lostRaces: Int
    /// Jobs done by the least lucky and the luckiest worker.
    let fewestJobs: Int
    let mostJobs: Int

    init(_ assignment: Assignment, workers: Int, backlog: Int, reports: [WorkerReport]) {
        design = assignment.design
        durability = assignment.durability
        self.workers = workers
        jobMilliseconds = Double(assignment.jobMicroseconds) / 1_000
        batch = assignment.batch
        self.backlog = backlog
        burst = min(assignment.burst, backlog)
        done = reports.reduce(0) { $0 + $1.done }
        seconds = Double(reports.map(\.finished).max() ?? 0) / 1e9
        jobsPerSecond = seconds > 0 ? Double(done) / seconds : 0
        let cpu = reports.reduce(0) { $0 + $1.cpuMicroseconds }
        cpuMicrosecondsPerJob = done > 0 ? Double(cpu) / Double(done) : 0

        var latencies = Latencies.empty
        for report in reports { latencies.record(pairs: report.latencies) }
        burstStarted = Int(latencies.totalCount)
        let missing = max(0, burst - burstStarted)
        if missing > 0 { latencies.record(UInt64(seconds * 1e6), count: UInt64(missing)) }
        startMillisecondsP50 = Double(latencies.valueAtPercentile(50)) / 1_000
        startMillisecondsP99 = Double(latencies.valueAtPercentile(99)) / 1_000
        lockedErrors = reports.reduce(0) { $0 + $1.lockedErrors }
        lostRaces = reports.reduce(0) { $0 + $1.lostRaces }
        fewestJobs = reports.map(\.done).min() ?? 0
        mostJobs = reports.map(\.done).max() ?? 0
    }
}
