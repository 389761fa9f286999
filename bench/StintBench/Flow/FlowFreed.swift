import Stint
import StintCore
import StintPlatform
import TestSupport

/// Workers behind a limit: how soon does one start a job when another process frees a place, and what do they cost
/// while they wait?
///
/// This process holds the one place of the queue. It also holds a job of another queue, whose end enqueues the next one
/// that takes the place: in one transaction, so that the worker never gets it.
struct FlowFreed {
    private static let holders: QueueName = "holders"
    private static let idleWorkers = 8
    private static let idleSeconds = 5.0

    let times: Int

    func measure(_ database: String, _ fleet: Fleet) async throws -> FlowFreedResult {
        let queue = try await JobQueue(.sqlite(database, durability: .full))
        try await queue.store.configure(StintWorkload.queue, QueueSettings(concurrency: .to(1)))
        try await queue.enqueue(jobs: [try Self.holder])
        var carrier = try await claim(queue, after: []).first(where: { $0.queue == Self.holders })
        var place: LeasedJob?
        (carrier, place) = try await takePlace(queue, carrier)
        let holds = Holds(carrier: carrier, place: place)
        let freed = FreedTimes()
        let reports = try await fleet.run([WakeRole(database: database)]) { [times] _ in
            try await Task.sleep(for: .milliseconds(300))
            var holds = holds
            for number in 0..<times {
                try await queue.enqueue(jobs: [try NewJob(Array(String(number).utf8), in: StintWorkload.queue)])
                // The worker finds that it has to wait, and sleeps.
                try await Task.sleep(for: .milliseconds(30))
                await freed.note()
                try await queue.store.settle(Settlement(holds.place!.lease, .ack))
                try await eventually("the job is done", every: .milliseconds(1)) {
                    try await !queue.store.stats().contains { $0.name == StintWorkload.queue && $0.unfinished > 0 }
                }
                (holds.carrier, holds.place) = try await takePlace(queue, holds.carrier)
            }
            try await queue.store.settle(Settlement(holds.place!.lease, .ack))
        }
        let starts = reports[0].sorted { $0.number < $1.number }
        let noted = await freed.times
        guard starts.map(\.number) == Array(0..<times), noted.count == times else {
            throw BenchError("\(times) places were freed and \(starts.count) jobs started")
        }
        return FlowFreedResult(
            nanoseconds: zip(starts, noted).map { $0.nanoseconds - $1 }, idle: try await idle(queue, database, fleet),
            seconds: Self.idleSeconds)
    }

    /// What workers cost that wait behind the limit, with a job ready that they could run.
    private func idle(
        _ queue: JobQueue<SQLiteStore>, _ database: String, _ fleet: Fleet
    ) async throws -> [IdleRole.Report] {
        try await queue.enqueue(jobs: [try NewJob([], in: StintWorkload.queue)])
        let claimed = try await claim(queue, after: [], queues: [StintWorkload.queue])
        guard let place = claimed.first else { throw BenchError("the freed place could not be taken again") }
        let job = try await queue.enqueue(jobs: [try NewJob([], in: StintWorkload.queue)])
        let role = IdleRole(database: database, settleSeconds: 1, seconds: Self.idleSeconds)
        let reports = try await fleet.run(Array(repeating: role, count: Self.idleWorkers)) { _ in
            try await Task.sleep(for: .seconds(Self.idleSeconds + 1.5))
        }
        try await queue.store.delete(job.map(\.id))
        try await queue.store.settle(Settlement(place.lease, .ack))
        return reports
    }

    private func takePlace(
        _ queue: JobQueue<SQLiteStore>, _ carrier: LeasedJob?
    ) async throws -> (LeasedJob?, LeasedJob?) {
        guard let carrier else { throw BenchError("the job that carries the next one could not be claimed") }
        let next = [try NewJob(Array("-1".utf8), in: StintWorkload.queue), try Self.holder]
        let jobs = try await claim(queue, after: [Settlement(carrier.lease, .ack, followUps: next)])
        guard jobs.count == 2 else { throw BenchError("the place of the queue could not be taken") }
        return (jobs.first { $0.queue == Self.holders }, jobs.first { $0.queue == StintWorkload.queue })
    }

    private func claim(
        _ queue: JobQueue<SQLiteStore>, after settlements: [Settlement],
        queues: [QueueName] = [StintWorkload.queue, FlowFreed.holders]
    ) async throws -> [LeasedJob] {
        let request = ClaimRequest(
            queues: queues, limit: 2, lease: .seconds(600), worker: ProcessIdentity.current.name)
        return try await queue.store.exchange(settlements, for: request).jobs
    }

    private static var holder: NewJob { get throws { try NewJob([], in: holders) } }

    private struct Holds: Sendable {
        var carrier: LeasedJob?
        var place: LeasedJob?
    }
}

private actor FreedTimes {
    private(set) var times: [Int64] = []

    func note() { times.append(MonotonicClock.nanoseconds()) }
}

struct FlowFreedResult: Encodable, Sendable {
    let microseconds: [Double]
    let millisecondsP50: Double
    let millisecondsP99: Double
    let millisecondsLongest: Double
    /// Of all waiting workers together, of one core.
    let idlePercent: Double
    let idleWorkers: Int
    let wakeUpsPerWorkerSecond: Double

    init(nanoseconds: [Int64], idle: [IdleRole.Report], seconds: Double) {
        var times = Latencies.empty
        for time in nanoseconds { times.record(UInt64(max(0, time / 1_000))) }
        microseconds = nanoseconds.map { Double($0) / 1_000 }.sorted()
        millisecondsP50 = Double(times.valueAtPercentile(50)) / 1_000
        millisecondsP99 = Double(times.valueAtPercentile(99)) / 1_000
        millisecondsLongest = Double(times.valueAtPercentile(100)) / 1_000
        idlePercent = Double(idle.reduce(0) { $0 + $1.cpuMicroseconds }) / (seconds * 1e6) * 100
        idleWorkers = idle.count
        wakeUpsPerWorkerSecond = Double(idle.reduce(0) { $0 + $1.wakeUps }) / Double(max(1, idle.count)) / seconds
    }

    var grid: Grid {
        var grid = Grid("Workers behind a limit", "p50 ms", "p99", "longest")
        grid.add(
            "another process frees a place, to the start (\(microseconds.count) times)", millisecondsP50.text(2),
            millisecondsP99.text(2), millisecondsLongest.text(2))
        grid.add(
            "\(count(idleWorkers, "worker")) that wait: \(idlePercent.text(2)) % of one core, "
                + "\(wakeUpsPerWorkerSecond.text(2)) wake-ups a second each", "", "", "")
        return grid
    }

    var expectations: [Expectation] {
        [
            Expectation(
                "from the end of a job in another process to the start, median", .below, 5, reached: millisecondsP50,
                unit: "ms"),
            Expectation("CPU of all workers behind a limit, of one core", .below, 0.5, reached: idlePercent, unit: "%"),
        ]
    }
}
