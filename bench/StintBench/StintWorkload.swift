import Foundation
import Logging
import Stint
import StintCore
import Synchronization

/// Stint as an application uses it: a `Worker` on a `JobQueue`.
struct StintWorkload: Workload {
    static let queue: QueueName = "bench"

    let assignment: Assignment

    init(_ assignment: Assignment) {
        self.assignment = assignment
    }

    /// The settings that the report prints.
    static func options(batch: Int) -> Worker.Options {
        var options = Worker.Options()
        options.concurrency = 1
        options.batch = batch
        // Longer than a batch takes, so that the acks of a batch ride with the next claim.
        options.ackDelay = .seconds(1)
        options.drains = true
        return options
    }

    func work(start: () throws -> StartBarrier) async throws -> WorkerReport {
        let incidents = Incidents()
        let options = SQLiteStore.Options(assignment.durability, assignment.writeLock)
        let queue = try await BenchQueue(at: assignment.database, options: options)
        let logger = Logger(label: "stint-bench") { _ in IncidentLog(incidents: incidents) }
        var worker = Worker(
            queue, queues: [Self.queue], options: Self.options(batch: assignment.batch), logger: logger)
        let barrier = try start()
        let recorder = Recorder(barrier: barrier, assignment)
        let jobTime = Duration.microseconds(assignment.jobMicroseconds)
        worker.registerOthers { context in
            recorder.started(context.id.rawValue)
            if jobTime > .zero { try await Task.sleep(for: jobTime, tolerance: .zero) }
            recorder.finished(context.id.rawValue)
        }
        let work = Task { [worker] in try await worker.run() }
        let timer = Task {
            let rest = assignment.deadline(barrier) - MonotonicClock.nanoseconds()
            try await Task.sleep(for: .nanoseconds(max(0, rest)))
            // Jobs that it has not started go back; those that it has finished are acknowledged before `run` returns.
            work.cancel()
        }
        try await work.value
        timer.cancel()
        recorder.locked(incidents.locked)
        if let other = incidents.other { throw BenchError("Stint's worker logged: \(other)") }
        return recorder.report()
    }
}

extension Durability {
    init(_ mode: SyncMode) {
        switch mode {
        case .full: self = .full
        case .normal: self = .normal
        }
    }
}

/// The worker's complaints: transactions that failed because the file was locked, and anything else.
private final class Incidents: Sendable {
    private let counts = Mutex<(locked: Int, other: String?)>((0, nil))

    var locked: Int { counts.withLock { $0.locked } }
    var other: String? { counts.withLock { $0.other } }

    func note(_ text: String) {
        counts.withLock { counts in
            if text.contains("stayed locked") { counts.locked += 1 } else { counts.other = text }
        }
    }
}

private struct IncidentLog: LogHandler {
    let incidents: Incidents
    var logLevel = Logger.Level.warning
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { incidents.note("\(event.message) \(event.metadata ?? [:])") }
}
