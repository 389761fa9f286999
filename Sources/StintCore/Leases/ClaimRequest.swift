/// A worker's request for jobs.
public struct ClaimRequest: Sendable {
    /// The most jobs that one claim can take.
    public static let maximumLimit = 1_000

    public let queues: [QueueName]
    public let limit: Int
    /// How long the lease lasts unless it is extended.
    public let duration: Duration
    /// The holder's name, for people: `host:pid`.
    public let worker: String
    /// The worker's registration; without one, its end is only known when its leases run out.
    public let registration: WorkerID?
    /// How many jobs the worker could start at once. Beyond that, the claim takes no more than the worker's share: the
    /// ready jobs divided by the number of registered workers.
    public let idleSlots: Int
    /// The most bytes of payloads and headers to claim. The first job is taken whatever its size.
    public let budget: ByteBudget
    /// Whether to skip suspects and take the jobs behind them, because handlers run in the worker's process already and
    /// a suspect must run alone.
    public let passesOverSuspects: Bool
    /// Only this job, whether it is ready, delayed or buried, and whatever is before it; its queue is not in
    /// ``queues``. A buried job is claimed as if it had been kicked. A paused queue keeps it, and so do limits.
    public let job: JobID?
    /// The highest id of a job that the caller knows to be on disk, for a holder that the same power cut ends, such as a server on
    /// the store's machine. A claim that takes no job with a higher id is answered before it is on disk: a power cut may undo it, and
    /// the jobs are ready again. One with a higher id waits for the disk, since after a power cut that id may be another job's.
    /// `nil`: each claim that changes something waits. A store may ignore it and make every claim durable.
    package var durableUpTo: JobID?

    /// A request for one job by its id.
    public init(_ job: JobID, lease duration: Duration, worker: String, registration: WorkerID? = nil) {
        precondition(duration > .zero, "a lease is longer than zero")
        self.job = job
        queues = []
        limit = 1
        self.duration = duration
        self.worker = worker
        self.registration = registration
        idleSlots = 1
        budget = .standard
        passesOverSuspects = false
    }

    public init(
        queues: [QueueName], limit: Int, lease duration: Duration, worker: String, registration: WorkerID? = nil,
        idleSlots: Int? = nil, budget: ByteBudget = .standard, passesOverSuspects: Bool = false
    ) {
        precondition(limit >= 1 && limit <= Self.maximumLimit, "a claim takes 1 to \(Self.maximumLimit) jobs")
        precondition(duration > .zero, "a lease is longer than zero")
        self.queues = queues
        self.limit = limit
        self.duration = duration
        self.worker = worker
        self.registration = registration
        self.idleSlots = idleSlots ?? limit
        self.budget = budget
        self.passesOverSuspects = passesOverSuspects
        job = nil
    }
}
