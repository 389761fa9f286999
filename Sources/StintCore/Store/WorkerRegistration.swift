/// How a worker describes itself.
public struct WorkerRegistration: Sendable, Hashable {
    /// How long a registration is kept without renewal.
    public static let lifetime: Duration = .seconds(3_600)

    /// The worker's name, for people: `host:pid` unless it was set.
    public let name: String
    /// The process that it runs in.
    public let process: WorkerProcess
    /// The process that started it and that reclaims its jobs when it ends.
    public let supervisor: WorkerProcess?
    /// The name of the supervisor's proof that it lives; see ``WorkerRegistry/registerSupervisor()``.
    public let supervisorSign: String?
    public let queues: [QueueName]
    /// How many jobs it runs at once.
    public let concurrency: Int
    /// Whether its claims and settlements go through its supervisor, which commits for all of its workers at once. `false`: it
    /// writes to the database by itself.
    ///
    /// This is how it was when the worker registered. If its supervisor falls silent, the worker writes by itself
    /// until that answers again, and this stays `true`.
    public let writesThroughSupervisor: Bool

    public init(
        name: String, process: WorkerProcess, supervisor: WorkerProcess? = nil, supervisorSign: String? = nil,
        queues: [QueueName], concurrency: Int, writesThroughSupervisor: Bool = false
    ) {
        self.name = name
        self.process = process
        self.supervisor = supervisor
        self.supervisorSign = supervisorSign
        self.queues = queues
        self.concurrency = concurrency
        self.writesThroughSupervisor = writesThroughSupervisor
    }
}
