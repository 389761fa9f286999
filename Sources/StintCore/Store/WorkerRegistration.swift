/// What a worker says of itself.
public struct WorkerRegistration: Sendable, Hashable {
    /// How long an entry is kept that nobody renews.
    public static let lifetime: Duration = .seconds(3_600)

    /// `host:pid` unless its user named it, for people.
    public let name: String
    public let process: ProcessIdentity
    /// The process that started it and that takes its jobs back when it ends.
    public let supervisor: ProcessIdentity?
    /// The supervisor's sign of life; see ``WorkerRegistry/registerSupervisor()``.
    public let supervisorSign: String?
    public let queues: [QueueName]
    /// How many jobs it runs at once.
    public let concurrency: Int

    public init(
        name: String, process: ProcessIdentity, supervisor: ProcessIdentity? = nil, supervisorSign: String? = nil,
        queues: [QueueName], concurrency: Int
    ) {
        self.name = name
        self.process = process
        self.supervisor = supervisor
        self.supervisorSign = supervisorSign
        self.queues = queues
        self.concurrency = concurrency
    }
}
