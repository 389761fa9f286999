import Foundation
import StintCore
import StintWorker
import Synchronization

extension StoreSource where Store == InMemoryStore {
    /// A new queue in memory, for tests.
    public static var inMemory: StoreSource {
        StoreSource { InMemoryStore() }
    }
}

extension JobQueue where Store == InMemoryStore {
    /// A new queue in memory, for tests.
    public static func inMemory() -> JobQueue { JobQueue(store: InMemoryStore()) }

    // MARK: - Time

    /// Moves the clock: delayed jobs become due, schedules tick, leases end. Only a handler's timeout passes in real time.
    public func advance(by duration: Duration) {
        store.advance(by: duration)
    }

    // MARK: - What was enqueued

    /// The parameters of all jobs of a type in the queue, ready or delayed, in the order in which they were enqueued; of
    /// a digest, those of each of its events.
    ///
    ///     #expect(try await queue.enqueued(SendReceipt.self, in: "mail") == [SendReceipt(order: 7)])
    ///
    /// - Throws: The decoding error of a job that has this type's name and other parameters.
    public func enqueued<Parameters: JobParameters>(
        _ type: Parameters.Type = Parameters.self, in queue: QueueName = .default
    ) async throws -> [Parameters] {
        try waiting(in: queue).flatMap { job -> [Parameters] in
            guard job.options.headers[Headers.jobName] == Parameters.jobName else { return [] }
            return try (job.events ?? [job.payload]).map { try JSONDecoder().decode(Parameters.self, from: Data($0)) }
        }
    }

    private func waiting(in queue: QueueName) -> [InMemoryState.Job] {
        store.read { state in
            state.jobs.values.filter { job in
                switch job.place {
                case .ready, .delayed: job.queue == queue
                case .leased, .buried, .done, .cancelled, .expired: false
                }
            }.sorted { $0.id.rawValue < $1.id.rawValue }
        }
    }

    // MARK: - Running jobs

    /// Runs the worker until nothing is ready or running in its queues, and stops it; less if it ends before, as by its
    /// limit of jobs. Delayed jobs stay, and ready ones that a limit holds back, as by a rate or by a job of their group
    /// that waits for its retry: let their time pass with ``advance(by:)`` and drain again.
    ///
    /// - Parameter worker: A worker of this queue.
    /// - Throws: The worker's error; `CancellationError` if the test's task is cancelled.
    @discardableResult
    public func drain(_ worker: Worker) async throws -> DrainReport {
        precondition(worker.store as? InMemoryStore === store, "drain was given a worker of another queue")
        let queues = Set(worker.queues)
        // The worker would tick too, and perhaps only when nothing else was left to do.
        _ = try await store.tickAll()
        let before = store.read { $0.totals(of: queues) }
        let ending = EndOfWork()
        let work = Task { [store] in
            defer {
                ending.hasCome.store(true, ordering: .releasing)
                store.resumeIdle()
            }
            try await worker.run()
        }
        await withTaskCancellationHandler {
            await store.wait { ending.hasCome.load(ordering: .acquiring) || $0.isIdle(in: queues, $1) }
        } onCancel: {
            work.cancel()
        }
        work.cancel()
        try await work.value
        try Task.checkCancellation()
        let after = store.read { $0.totals(of: queues) }
        return DrainReport(
            done: after.done - before.done, buried: after.buried - before.buried, delayed: after.delayed)
    }

    /// Simulates a worker that is gone without a trace: it claims the next job of the queue and does nothing more. When
    /// the clock has moved past the lease, `reap()` makes the job ready again, and it has lost no attempt.
    ///
    /// - Returns: The job; `nil` if none was ready.
    @discardableResult
    public func abandonNextJob(in queue: QueueName = .default, lease: Duration = .seconds(30)) async throws -> JobID? {
        let request = ClaimRequest(queues: [queue], limit: 1, lease: lease, worker: "test:gone")
        return try await store.claim(request).first?.id
    }

    /// Simulates a handler that kills its process: a worker claims the next job of the queue, starts it and dies of the
    /// signal. The job then has one more attempt and crash, and is buried at the limit of either.
    ///
    /// - Parameters:
    ///   - queue: Its next job crashes.
    ///   - worker: The worker whose handler it is, for the limit of attempts that its retry policy sets; `nil`: only the
    ///     job's own limit counts.
    ///   - signal: The name of the signal of which the process dies.
    /// - Returns: The job; `nil` if none was ready.
    @discardableResult
    public func crashNextJob(
        in queue: QueueName = .default, of worker: Worker? = nil, signal: String = "SIGSEGV"
    ) async throws -> JobID? {
        let name = "test:crash"
        let process = WorkerProcess(name: name, id: "\(name) \(UInt64.random(in: 0 ... .max))")
        let registration = WorkerRegistration(name: name, process: process, queues: [queue], concurrency: 1)
        let place = try await store.register(registration, as: nil)
        let request = ClaimRequest(
            queues: [queue], limit: 1, lease: .seconds(30), worker: name, registration: place.id)
        guard let job = try await store.claim(request).first else {
            try await store.deregister(place.id)
            return nil
        }
        place.scoreboard.note(ended: nil, started: job.lease, maxAttempts: worker?.maxAttempts(of: job))
        _ = try await store.reclaim(
            from: [place.id], .died("was killed by \(signal)", AttemptDiagnostics(signal: signal)))
        return job.id
    }
}

/// Whether a worker has ended.
private final class EndOfWork: Sendable {
    let hasCome = Atomic(false)
}

extension InMemoryState {
    /// Whether a limit allows it no start before time passes or another job ends.
    private func isHeldBack(_ job: Job, _ now: StoreTime) -> Bool {
        guard queues[job.queue]?.limits.isLimited == true else { return false }
        return switch waitReason(of: job.id, now) {
        case .queueFull, .groupFull, .groupWaits, .rate: true
        case .paused, .delayed, .turn, nil: false
        }
    }

    func isIdle(in names: Set<QueueName>, _ now: StoreTime) -> Bool {
        jobs.values.allSatisfy { job in
            guard names.contains(job.queue) else { return true }
            let isPaused = queues[job.queue]?.isPaused == true
            switch job.place {
            case .ready: return isPaused || isHeldBack(job, now)
            case .delayed(let time): return time > now.wall || isPaused || isHeldBack(job, now)
            // One that was abandoned runs nowhere.
            case .leased(let token): return leases[token]?.registration == nil
            case .buried, .done, .cancelled, .expired: return true
            }
        }
    }

    func totals(of names: Set<QueueName>) -> (done: Int, buried: Int, delayed: Int) {
        stats().filter { names.contains($0.name) }.reduce((0, 0, 0)) { total, queue in
            (total.0 + queue.done, total.1 + queue.buried, total.2 + queue.delayed)
        }
    }
}
