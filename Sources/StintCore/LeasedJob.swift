/// A job as its holder gets it.
public struct LeasedJob: Sendable {
    public let lease: Lease
    public let queue: QueueName
    public let payload: [UInt8]
    public let contentType: String
    public let headers: Headers
    public let priority: UInt32
    /// Which start this is, from 1. It counts on disk before the handler starts, so that a crash counts.
    public let attempt: Int
    public let maxAttempts: Int
    public let timeToRun: Duration?
    public let enqueuedAt: Timestamp
    /// A suspect: it may have killed its last worker, so it is claimed alone and nothing may run beside it.
    public let runsAlone: Bool

    public var id: JobID { lease.job }

    /// What it takes in memory: its payload and headers, in bytes.
    public var bytes: Int { payload.count + headers.byteCount }

    public init(
        lease: Lease, queue: QueueName, payload: [UInt8], contentType: String, headers: Headers, priority: UInt32,
        attempt: Int, maxAttempts: Int, timeToRun: Duration?, enqueuedAt: Timestamp, runsAlone: Bool
    ) {
        self.lease = lease
        self.queue = queue
        self.payload = payload
        self.contentType = contentType
        self.headers = headers
        self.priority = priority
        self.attempt = attempt
        self.maxAttempts = maxAttempts
        self.timeToRun = timeToRun
        self.enqueuedAt = enqueuedAt
        self.runsAlone = runsAlone
    }
}

/// What a worker asks for.
public struct ClaimRequest: Sendable {
    /// The most jobs that one claim can take.
    public static let maximumLimit = 1_000

    public let queues: [QueueName]
    public let limit: Int
    /// How long the lease lasts unless it is extended.
    public let duration: Duration
    /// Who holds it, for people: `host:pid`.
    public let worker: String
    /// The worker's registration; without one only the deadline tells that it has ended.
    public let registration: WorkerID?
    /// How many of them would start at once. Beyond that it takes no more than its share: what is ready, divided by the
    /// registered workers.
    public let idleSlots: Int
    /// It takes no more jobs than fit in here with their payloads and headers; the first one whatever its size.
    public let budget: ByteBudget
    /// Whether to pass over suspects and take the jobs behind them: something runs in the worker's process already, and a
    /// suspect may have nothing beside it.
    public let passesOverSuspects: Bool

    public init(
        queues: [QueueName], limit: Int, lease duration: Duration, worker: String, registration: WorkerID? = nil,
        idleSlots: Int? = nil, budget: ByteBudget = .standard, passesOverSuspects: Bool = false
    ) {
        precondition(limit >= 1 && limit <= Self.maximumLimit, "a claim takes 1 to \(Self.maximumLimit) jobs")
        precondition(duration > .zero, "a lease lasts longer than nothing")
        self.queues = queues
        self.limit = limit
        self.duration = duration
        self.worker = worker
        self.registration = registration
        self.idleSlots = idleSlots ?? limit
        self.budget = budget
        self.passesOverSuspects = passesOverSuspects
    }
}
