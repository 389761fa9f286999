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

    /// Of these, those that are provably dead. A reaper asks twice a second, so it should cost little while all live.
    func deadWorkers() async throws -> [WorkerRecord]

    /// Takes back the jobs of workers whose processes have ended together, and forgets the workers: with one, all of its
    /// process.
    ///
    /// What it costs the jobs is in ``CrashAttribution``.
    func takeBack(from workers: [WorkerID], _ end: WorkerEnd, now: Moment) async throws -> ReapReport

    /// Proves to other processes, as long as this one lives, that it supervises workers; their registrations name the
    /// sign (``WorkerRegistration/supervisorSign``). `nil` where the store cannot prove such a thing.
    func registerSupervisor() async throws -> (any SupervisorSign)?

    /// Asks all supervisors, wherever they run, to replace their workers.
    func requestRestart(now: Moment) async throws

    /// The number of the latest such request, each greater than the one before; 0: there was none yet.
    func latestRestartRequest() async throws -> Int64

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
    ///
    /// - Parameter maxAttempts: How many attempts the worker grants the started job, where that is fewer than its own.
    func note(ended: Lease?, started: Lease?, maxAttempts: Int?, now: Moment)

    /// Somebody has ordered the worker to stop: what becomes of its process from now on is no fault of its jobs.
    func noteOrderToStop()
}

extension StartBoard {
    package func note(ended: Lease?, started: Lease?, now: Moment) {
        note(ended: ended, started: started, maxAttempts: nil, now: now)
    }
}

/// A worker as the store knows it.
public struct WorkerRecord: Sendable, Hashable {
    public let id: WorkerID
    public let registration: WorkerRegistration
    public let registeredAt: Timestamp
    /// What it has started and not ended; `nil` where that cannot be told.
    public let started: [StartedJob]?
    public let liveness: Liveness
    /// Of its supervisor; `nil`: it has none.
    public let supervisorLiveness: Liveness?
    /// Somebody has ordered it to stop.
    public let isToldToStop: Bool

    public init(
        id: WorkerID, registration: WorkerRegistration, registeredAt: Timestamp, started: [StartedJob]?,
        liveness: Liveness = .unknown, supervisorLiveness: Liveness? = nil, isToldToStop: Bool = false
    ) {
        self.id = id
        self.registration = registration
        self.registeredAt = registeredAt
        self.started = started
        self.liveness = liveness
        self.supervisorLiveness = supervisorLiveness
        self.isToldToStop = isToldToStop
    }
}

/// A job that a worker has started.
public struct StartedJob: Sendable, Hashable {
    public let lease: Lease
    /// By the monotonic clock of its boot, in milliseconds.
    public let startedAt: Int64
    /// How many attempts its worker grants it, where that is fewer than its own.
    public let maxAttempts: Int?

    public init(lease: Lease, startedAt: Int64, maxAttempts: Int? = nil) {
        self.lease = lease
        self.startedAt = startedAt
        self.maxAttempts = maxAttempts
    }
}

/// How a worker came to its end.
public enum WorkerEnd: Sendable, Hashable {
    /// By itself, or killed by somebody. The text completes "worker host:pid …".
    case died(String, Dossier?)
    /// Their supervisor has died too, as in a container that is killed: no job is blamed.
    case diedWithSupervisor
    /// They are dead, and it may have been their machine or their container that ended: no job is blamed.
    case diedWithMachine
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
