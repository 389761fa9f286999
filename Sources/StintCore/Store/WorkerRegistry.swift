/// Who works on the queues, so that the end of a worker is known before its leases run out. The other half of a
/// ``JobStore``; the same rules hold for its verbs.
public protocol WorkerRegistry: Sendable {
    /// Notes that a worker begins its work. That need not survive a power cut, which ends all workers, so neither this nor
    /// ``deregister(_:)`` throws `outcomeUnknown`. With an id it says that the worker still lives: an entry that nobody has
    /// renewed for ``WorkerRegistration/lifetime``, and whose process nobody can look at, is forgotten.
    func register(_ worker: WorkerRegistration, as id: WorkerID?) async throws -> RegisteredWorker

    /// The orderly end of a worker, which holds no leases any more.
    func deregister(_ worker: WorkerID) async throws

    /// The jobs that the worker holds: what it has claimed and not settled, and has not lost.
    func leases(heldBy worker: WorkerID) async throws -> [HeldJob]

    /// All workers, by id, with the jobs that they have started.
    func workers() async throws -> [WorkerRecord]

    /// Takes back the jobs of workers whose processes have ended together, and forgets the workers: with one, all of its
    /// process.
    ///
    /// What it costs the jobs is in ``CrashAttribution``.
    func reclaim(from workers: [WorkerID], _ end: WorkerEnd) async throws -> ReapReport

    /// Reclaims the jobs of workers that are provably dead and that no living supervisor will see to. A store that cannot
    /// prove a death returns an empty report; leases that end are reclaimed by ``JobStore/reap()`` then.
    func reclaimDead() async throws -> ReapReport

    /// Proves to other processes, as long as this one lives, that it supervises workers; their registrations name the
    /// sign (``WorkerRegistration/supervisorSign``). `nil` where the store cannot prove such a thing.
    func registerSupervisor() async throws -> (any SupervisorSign)?

    /// Asks all supervisors, wherever they run, to replace their workers.
    func requestRestart() async throws

    /// The number of the latest such request, each greater than the one before; 0: there was none yet.
    func latestRestartRequest() async throws -> Int64

    /// The latest attempts that did not end well, newest first.
    func failures(limit: Int) async throws -> [FailedJob]
}
