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
