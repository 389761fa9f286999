import Metrics
import StintCore

/// A worker's metrics, by queue. Metric objects are created once for each queue, because that calls the metrics
/// backend.
///
/// | label | meaning |
/// |---|---|
/// | `stint.claimed` | attempts that this worker claimed |
/// | `stint.done`, `stint.failed`, `stint.buried`, `stint.released`, `stint.expired` | settled outcomes |
/// | `stint.lease_lost` | outcomes or handlers that came too late |
/// | `stint.time_in_queue` | from enqueue to the first claim |
/// | `stint.run_time` | how long a handler runs |
///
/// `@unchecked Sendable`: only the worker's loop, an actor, uses it.
final class WorkerMetrics: @unchecked Sendable {
    private final class QueueMetrics {
        let claimed, done, failed, buried, released, expired, leaseLost: Counter
        let timeInQueue, runTime: Metrics.Timer

        init(_ queue: QueueName) {
            let dimensions = [("queue", queue.description)]
            claimed = Counter(label: "stint.claimed", dimensions: dimensions)
            done = Counter(label: "stint.done", dimensions: dimensions)
            failed = Counter(label: "stint.failed", dimensions: dimensions)
            buried = Counter(label: "stint.buried", dimensions: dimensions)
            released = Counter(label: "stint.released", dimensions: dimensions)
            expired = Counter(label: "stint.expired", dimensions: dimensions)
            leaseLost = Counter(label: "stint.lease_lost", dimensions: dimensions)
            timeInQueue = Metrics.Timer(label: "stint.time_in_queue", dimensions: dimensions)
            runTime = Metrics.Timer(label: "stint.run_time", dimensions: dimensions)
        }
    }

    private var byQueue: [QueueName: QueueMetrics] = [:]
    /// Most workers have one queue, or many jobs of one in a row.
    private var last: (queue: QueueName, metrics: QueueMetrics)?

    private func metrics(_ queue: QueueName) -> QueueMetrics {
        if let last, last.queue == queue { return last.metrics }
        let metrics = byQueue[queue] ?? QueueMetrics(queue)
        byQueue[queue] = metrics
        last = (queue, metrics)
        return metrics
    }

    /// - Parameter now: This machine's wall clock.
    func claimed(_ job: LeasedJob, now: Timestamp) {
        let metrics = metrics(job.queue)
        metrics.claimed.increment()
        if job.attempt == 1 { metrics.timeInQueue.recordMilliseconds(max(0, now &- job.enqueuedAtMilliseconds)) }
    }

    func ran(_ job: LeasedJob, for duration: Duration) {
        metrics(job.queue).runTime.record(duration: duration)
    }

    func settledByHandler(_ job: LeasedJob) {
        metrics(job.queue).done.increment()
    }

    func leaseLost(_ job: LeasedJob) {
        metrics(job.queue).leaseLost.increment()
    }

    func settled(_ settlement: Settlement, _ answer: Settlement.Answer, in queue: QueueName) {
        let metrics = metrics(queue)
        guard case .settled(let state) = answer else { return metrics.leaseLost.increment() }
        if settlement.outcome.isFailure { metrics.failed.increment() }
        switch state {
        case .done: metrics.done.increment()
        case .buried: metrics.buried.increment()
        case .ready, .delayed: if !settlement.outcome.isFailure { metrics.released.increment() }
        case .expired: metrics.expired.increment()
        case .leased, .cancelled: break
        }
    }
}
