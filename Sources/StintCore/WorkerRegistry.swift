/// Who works on the queues, so that the end of a worker is known before its leases run out. The other half of a
/// ``JobStore``; the same rules hold for its verbs.
public protocol WorkerRegistry: Sendable {
    /// Notes that a worker begins its work. That need not survive a power cut, which ends all workers, so neither this nor
    /// ``deregister(_:now:)`` throws `outcomeUnknown`. With an id it says that the worker still lives: an entry that nobody has
    /// renewed for ``WorkerRegistration/lifetime``, and whose process nobody can look at, is forgotten.
    func register(_ worker: WorkerRegistration, as id: WorkerID?, now: Moment) async throws -> RegisteredWorker

    /// The orderly end of a worker, which holds no leases any more.
    func deregister(_ worker: WorkerID, now: Moment) async throws

    /// The jobs that the worker holds: what it has claimed and not settled, and has not lost.
    func leases(heldBy worker: WorkerID) async throws -> [HeldJob]

    /// All workers, by id, with the jobs that they have started.
    func workers() async throws -> [WorkerRecord]

    /// Takes back the jobs of workers whose processes have ended together, and forgets the workers: with one, all of its
    /// process.
    ///
    /// Jobs that were claimed and not started are ready again and have lost nothing. Of jobs that were started the
    /// attempt and a crash count where it was one alone; it is buried when either has reached its limit. Of several,
    /// nobody knows which was the cause: all become suspects, at no cost. A suspect ran alone in its process, so it is to
    /// blame also where other processes ended with its own, and alone where their supervisor did. A worker of another boot, or one that was stopped by order,
    /// leaves nobody to blame.
    func takeBack(from workers: [WorkerID], _ end: WorkerEnd, now: Moment) async throws -> ReapReport

    /// The latest attempts that did not end well, newest first.
    func failures(limit: Int) async throws -> [FailedJob]
}

/// The number of a registration; never used again.
public struct WorkerID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int64

    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    public var description: String { String(rawValue) }
}

/// What a worker says of itself.
public struct WorkerRegistration: Sendable, Hashable {
    /// How long an entry is kept that nobody renews.
    public static let lifetime: Duration = .seconds(3_600)

    /// `host:pid` unless its user named it, for people.
    public let name: String
    public let process: ProcessIdentity
    /// The process that started it and that takes its jobs back when it ends.
    public let supervisor: ProcessIdentity?
    public let queues: [QueueName]
    /// How many jobs it runs at once.
    public let concurrency: Int

    public init(
        name: String, process: ProcessIdentity, supervisor: ProcessIdentity? = nil, queues: [QueueName],
        concurrency: Int
    ) {
        self.name = name
        self.process = process
        self.supervisor = supervisor
        self.queues = queues
        self.concurrency = concurrency
    }
}

/// A worker's place among the others.
public struct RegisteredWorker: Sendable {
    public let id: WorkerID
    public let board: any StartBoard
    /// Shared by all workers of the store in this process.
    package let room: HandlerRoom
    /// Shared by all workers of the store in all processes.
    package let revocations: any RevocationMark

    package init(
        id: WorkerID, board: any StartBoard, room: HandlerRoom, revocations: any RevocationMark = NoRevocationMark()
    ) {
        self.id = id
        self.board = board
        self.room = room
        self.revocations = revocations
    }
}

/// Where a worker notes which jobs it has started, so that this is known when its process is killed the next moment.
/// Noting costs no transaction and never fails: what could not be noted is not known later, and then no job is blamed
/// that shared its worker with others.
public protocol StartBoard: Sendable {
    /// One handler has ended, or another is about to start, or both.
    func note(ended: Lease?, started: Lease?, now: Moment)
}

/// A worker as the store knows it.
public struct WorkerRecord: Sendable, Hashable {
    public let id: WorkerID
    public let registration: WorkerRegistration
    public let registeredAt: Timestamp
    /// What it has started and not ended; `nil` where that cannot be told.
    public let started: [StartedJob]?

    public init(id: WorkerID, registration: WorkerRegistration, registeredAt: Timestamp, started: [StartedJob]?) {
        self.id = id
        self.registration = registration
        self.registeredAt = registeredAt
        self.started = started
    }
}

/// A job that a worker has started.
public struct StartedJob: Sendable, Hashable {
    public let lease: Lease
    /// By the monotonic clock of its boot, in milliseconds.
    public let startedAt: Int64

    public init(lease: Lease, startedAt: Int64) {
        self.lease = lease
        self.startedAt = startedAt
    }
}

/// How a worker came to its end.
public enum WorkerEnd: Sendable, Hashable {
    /// By itself, or killed by somebody. The text completes "worker host:pid …".
    case died(String, Dossier?)
    /// Their supervisor has died too, so whatever happened may have happened to it: only a suspect is blamed.
    case diedWithSupervisor
    /// By order, with jobs that it did not finish.
    case stopped
}

/// An attempt that did not end well, and whose it was.
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
