/// An attempt that did not succeed, and its job.
public struct FailedJob: Sendable, Hashable {
    public let job: JobID
    public let queue: QueueName
    public let failure: JobFailure

    public init(job: JobID, queue: QueueName, failure: JobFailure) {
        self.job = job
        self.queue = queue
        self.failure = failure
    }
}
