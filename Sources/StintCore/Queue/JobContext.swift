import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The job that a handler runs, and what it can do besides returning (the job is done) and throwing (it failed).
///
/// When the lease is lost, the handler's task is cancelled: the job was cancelled, buried or deleted, or another worker
/// may run it now. Nothing that the handler answers then changes the job.
public struct JobContext: Sendable {
    public let job: LeasedJob
    package let store: any JobStore
    private let worker: String
    private let baseLogger: Logger
    package let settlement = HandlerSettlement()

    package init(job: LeasedJob, store: any JobStore, worker: String, logger: Logger) {
        self.job = job
        self.store = store
        self.worker = worker
        baseLogger = logger
    }

    public var id: JobID { job.id }
    public var queue: QueueName { job.queue }
    /// The number of this attempt, from 1.
    public var attempt: Int { job.attempt }
    public var maxAttempts: Int { job.maxAttempts }
    public var headers: Headers { job.headers }
    public var contentType: String { job.contentType }
    public var lease: Lease { job.lease }
    /// Grows with every claim of the job. Pass it to systems that reject writers with an older token.
    public var token: FencingToken { job.lease.token }
    /// When the job was enqueued.
    public var enqueuedAt: Date { job.enqueuedAt }

    /// The worker's logger with the job's id, queue, attempt, token and name as metadata.
    public var logger: Logger {
        var logger = baseLogger
        logger[metadataKey: "job"] = "\(id)"
        logger[metadataKey: "queue"] = "\(queue)"
        logger[metadataKey: "attempt"] = "\(attempt)"
        logger[metadataKey: "token"] = "\(token)"
        logger[metadataKey: "worker"] = "\(worker)"
        if let name = headers[Headers.jobName] { logger[metadataKey: "job-name"] = "\(name)" }
        return logger
    }

    /// Extends the lease to end no earlier than `duration` from now. The worker extends leases by itself; call this
    /// only if the handler will block the whole process, or a debugger will stop it.
    ///
    /// - Throws: ``StintError`` with the code `leaseLost`.
    public func extend(by duration: Duration) async throws {
        let lost = try await store.extend([lease], by: duration)
        if lost.contains(lease) { throw StintError.leaseLost(lease) }
    }

    /// Acknowledges the job now and enqueues follow-up jobs in the same transaction. The handler should return soon.
    ///
    /// - Throws: ``StintError`` with the code `leaseLost`; then nothing was acknowledged or enqueued.
    public func ack(enqueueing followUps: [NewJob] = []) async throws {
        let ack = Settlement(lease, .ack, followUps: followUps)
        let answer: Settlement.Answer
        do {
            answer = try await store.settle([ack])[0]
        } catch let error as StintError where error.code == .outcomeUnknown {
            // The ack may be committed; it must not count as a failed attempt.
            let found = try await store.job(lease.job)?.record
            let isHeld = found?.state == .leased && found?.token == lease.token
            guard let what = ack.answer(isHeld: isHeld, state: found?.state) else { throw error }
            answer = what
        }
        guard case .settled = answer else { throw StintError.leaseLost(lease) }
        settlement.set()
    }
}
