import Foundation
import Stint
import StintCore
import StintPlatform
import StintPostgres

/// A process that enqueues at a rate, or one that claims and acknowledges.
struct HeldRole: Role {
    static let name = RoleName.held

    enum Work: Codable {
        case enqueue(rate: Int, batch: Int)
        case claim(batch: Int)
    }

    /// Each third job has each of them.
    static let priorities: [UInt32] = [10, 1_024, 100_000]
    /// How long a worker rests that has found nothing.
    private static let pause: Duration = .milliseconds(5)

    let database: String
    let work: Work
    let seconds: Int

    func play(start: () throws -> StartBarrier) async throws -> [HeldSecond] {
        let queue = try await JobQueue(.postgres(database))
        switch work {
        case .enqueue(let rate, let batch): return try await enqueue(rate, batch, queue, start)
        case .claim(let batch): return try await claim(batch, queue, start)
        }
    }

    /// At its rate: it catches up after a wait.
    private func enqueue(
        _ rate: Int, _ batch: Int, _ queue: JobQueue<PostgresStore>, _ start: () throws -> StartBarrier
    ) async throws -> [HeldSecond] {
        let barrier = try start()
        var report = HeldReport(barrier, seconds)
        var number = 0
        while !report.isOver {
            let due = barrier.nanoseconds + Int64(number) * 1_000_000_000 / Int64(rate)
            try await Task.sleep(for: .nanoseconds(max(0, due - MonotonicClock.nanoseconds())), tolerance: .zero)
            let before = MonotonicClock.nanoseconds()
            let jobs = try (number..<number + batch).map { try Self.job(Self.priorities[$0 % 3], at: before) }
            _ = try await queue.enqueue(jobs: jobs)
            report.note { second, now in
                second.enqueued += batch
                second.enqueues.add(now - before)
            }
            number += batch
        }
        return report.seconds
    }

    private func claim(
        _ batch: Int, _ queue: JobQueue<PostgresStore>, _ start: () throws -> StartBarrier
    ) async throws -> [HeldSecond] {
        let process = WorkerProcess.current
        let registered = try await queue.store.register(
            WorkerRegistration(
                name: process.name, process: process, queues: [StintWorkload.queue], concurrency: batch), as: nil)
        let request = ClaimRequest(
            queues: [StintWorkload.queue], limit: batch, lease: .seconds(600), worker: process.name,
            registration: registered.id)
        var report = HeldReport(try start(), seconds)
        var finished: [Settlement] = []
        while !report.isOver || !finished.isEmpty {
            let before = MonotonicClock.nanoseconds()
            let exchange = try await queue.store.exchange(finished, for: report.isOver ? nil : request)
            guard exchange.answers.allSatisfy({ $0 == .settled(.done) }) else {
                throw BenchError("an acknowledgement was refused although its lease stood")
            }
            report.note { second, now in
                second.exchanges.add(now - before)
                second.done += finished.count
                for job in exchange.jobs {
                    guard let place = Self.priorities.firstIndex(of: job.priority) else { continue }
                    second.waits[place].add(now - Self.enqueueTime(of: job))
                }
            }
            finished = exchange.jobs.map { Settlement($0.lease, .ack) }
            if finished.isEmpty, !report.isOver { try await Task.sleep(for: Self.pause, tolerance: .zero) }
        }
        try await queue.store.deregister(registered.id)
        return report.seconds
    }

    /// Its payload has the usual size and begins with the time.
    private static func job(_ priority: UInt32, at nanoseconds: Int64) throws -> NewJob {
        let text = Array("\(nanoseconds) ".utf8)
        return try NewJob(
            text + Backlog.payload.dropFirst(text.count), in: StintWorkload.queue,
            options: JobOptions(priority: priority))
    }

    private static func enqueueTime(of job: LeasedJob) -> Int64 {
        job.payload.prefix { $0 != UInt8(ascii: " ") }.reduce(0) { $0 * 10 + Int64($1) - Int64(UInt8(ascii: "0")) }
    }
}

/// What one process did in one second.
struct HeldSecond: Codable, Sendable {
    var enqueued = 0
    var done = 0
    var enqueues = TimeCounts()
    /// An exchange is the acks of a claim and the next claim.
    var exchanges = TimeCounts()
    /// From the enqueue to the claim, by priority.
    var waits = [TimeCounts](repeating: TimeCounts(), count: HeldRole.priorities.count)

    mutating func merge(_ other: HeldSecond) {
        enqueued += other.enqueued
        done += other.done
        enqueues.merge(other.enqueues)
        exchanges.merge(other.exchanges)
        for place in waits.indices { waits[place].merge(other.waits[place]) }
    }
}

/// The seconds of a process so far.
private struct HeldReport {
    private let barrier: StartBarrier
    private(set) var seconds: [HeldSecond]

    init(_ barrier: StartBarrier, _ seconds: Int) {
        self.barrier = barrier
        self.seconds = Array(repeating: HeldSecond(), count: seconds)
    }

    var isOver: Bool { barrier.elapsed >= Int64(seconds.count) * 1_000_000_000 }

    /// - Parameter body: Gets the present second, and the time.
    mutating func note(_ body: (inout HeldSecond, Int64) -> Void) {
        let second = max(0, Int(barrier.elapsed / 1_000_000_000))
        body(&seconds[min(second, seconds.count - 1)], MonotonicClock.nanoseconds())
    }
}

/// How often times were measured, to a hundredth of them: small enough for one in each second of a long run.
struct TimeCounts: Codable, Sendable {
    private static let stepsPerDoubling = 64.0

    private var counts: [Int: Int] = [:]

    var count: Int { counts.values.reduce(0, +) }

    mutating func add(_ nanoseconds: Int64) {
        counts[Int((log2(Double(max(1, nanoseconds))) * Self.stepsPerDoubling).rounded()), default: 0] += 1
    }

    mutating func merge(_ other: TimeCounts) { counts.merge(other.counts, uniquingKeysWith: +) }

    /// Zero if there are none.
    func milliseconds(percentile: Double) -> Double {
        var rest = Int((Double(count) * percentile / 100).rounded(.up))
        for (step, times) in counts.sorted(by: { $0.key < $1.key }) {
            rest -= times
            if rest <= 0 { return exp2(Double(step) / Self.stepsPerDoubling) / 1e6 }
        }
        return 0
    }
}
